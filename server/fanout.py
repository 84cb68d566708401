"""What everybody in a session is told, in messages that are made once and in turns that leave the loop to others."""

import asyncio
from collections.abc import Callable, Iterable

from server.broadcast import frames_for
from server.frames import text_frame
from server.member import Member
from server.views.entries import Entry
from signaling.codec import encode
from signaling.messages import ServerMessage

PACE_S, PACE_PER_MEMBER_S = 0.1, 6e-6
"""From one message to all to the next: at most ten a second, so that the octets of a member stay the same as the audience
grows, and longer in a large one. What comes alone is sent at once."""

LEAST_REST = 0.25
"""Of the time that the last message took: what others get of the loop at least, however large the audience is."""

SENT_AT_ONCE = 64
"""Members in one turn of the loop: a millisecond at most, which an acknowledgement may have to wait a few times."""

TURNS_OF_OTHERS = 3
"""Turns of the loop between two of ours: an acknowledgement takes about six from the socket to the store and back."""


class Fanout:
    """Gathers what is to be told, and tells it.

    Args:
        members: who is here; asked for each message anew.
    """

    def __init__(self, members: Callable[[], Iterable[Member]]) -> None:
        self._members = members
        self._entries: list[Entry] = []
        self._frames: list[bytes] = []
        self._news = asyncio.Event()
        self.said = 0
        """Frames that were said up to now; who enters is told those that come after."""

    def add(self, entries: list[Entry]) -> None:
        """Tell these entries of the log next."""
        self._entries.extend(entries)
        self._news.set()

    def say(self, message: ServerMessage) -> None:
        """Tell this next, after what was added before."""
        self._frames.append(text_frame(encode(message)))
        self.said += 1
        self._news.set()

    def forget(self) -> None:
        """Do not tell the entries that wait."""
        self._entries.clear()

    async def tell(self) -> list[Entry]:
        """Wait for news and tell it; what happens meanwhile comes with the next. Returns the entries that were told."""
        await self._news.wait()
        self._news.clear()
        entries, self._entries = self._entries, []
        frames, self._frames = self._frames, []
        news = _News(entries, frames, self.said)
        for number, member in enumerate(list(self._members()), 1):
            news.tell(member)
            if number % SENT_AT_ONCE == 0:
                for _ in range(TURNS_OF_OTHERS):
                    await asyncio.sleep(0)
        return entries

    async def run(self, on_told: Callable[[list[Entry]], None]) -> None:
        """Tell for ever, at our pace.

        Args:
            on_told: called with the entries of each message.
        """
        clock = asyncio.get_running_loop().time
        while True:
            await self._news.wait()
            began = clock()
            on_told(await self.tell())
            took = clock() - began
            pace = PACE_S + PACE_PER_MEMBER_S * sum(1 for _ in self._members())
            await asyncio.sleep(max(pace - took, took * LEAST_REST))


class _News:
    """What is told at once: entries of the log, then frames, of which `said` is the number of the last."""

    def __init__(self, entries: list[Entry], frames: list[bytes], said: int) -> None:
        self._entries = entries
        self._seq = entries[-1].seq if entries else 0
        self._frames = frames
        self._said = said
        self._made: dict[int, Callable[[str, bool], bytes]] = {}

    def tell(self, member: Member) -> None:
        """Tell a member what is news to it: who entered after some of this knows it."""
        told, after = b"", member.position
        if after < self._seq:
            if (made := self._made.get(after)) is None:
                rest = [entry for entry in self._entries if entry.seq > after]
                made = self._made[after] = frames_for(after, rest)
            told = made(member.identity.person, member.identity.staff)
            member.position = self._seq
        if (unheard := self._said - member.heard) > 0:
            told = b"".join((told, *self._frames[-unheard:]))
            member.heard = self._said
        if told:
            member.outbox.put_frame(told)
