"""What everybody in a session is told, in messages that are made once and in turns that leave the loop to others."""

import asyncio
from collections.abc import Callable, Iterable

from server.broadcast import frames_for
from server.frames import text_frame
from server.member import Member
from server.views.entries import Entry
from signaling.codec import encode
from signaling.messages import ServerMessage

PACE_S, PACE_PER_MEMBER_S = 0.1, 10e-6
"""From one message to all to the next: at most ten a second, so that the octets of a member stay the same as the audience
grows, and longer in a large one. What comes alone is sent at once."""

LEAST_REST = 0.25
"""Of the time that the last message took: what others get of the loop at least, however large the audience is."""

SENT_AT_ONCE = 32
"""Members in one turn of the loop: half a millisecond, which an acknowledgement may have to wait a few times."""

TURNS_OF_OTHERS = 4
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
        turn = _Turns()
        made: dict[int, Callable[[str, bool], bytes]] = {}
        said = self.said
        for member in list(self._members()):
            news = frames[max(0, len(frames) - (said - member.heard)) :]
            member.heard = max(member.heard, said)
            if entries and member.position < entries[-1].seq:
                after = member.position
                if after not in made:
                    made[after] = frames_for(after, [entry for entry in entries if entry.seq > after])
                news.insert(0, made[after](member.identity.person, member.identity.staff))
                member.position = entries[-1].seq
            if news:
                member.outbox.put_frame(b"".join(news) if len(news) > 1 else news[0])
                await turn.one()
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


class _Turns:
    """Counts who was served in this turn of the loop, and lets others go on after some."""

    def __init__(self) -> None:
        self._served = 0

    async def one(self) -> None:
        """Somebody was served."""
        self._served += 1
        if self._served % SENT_AT_ONCE == 0:
            for _ in range(TURNS_OF_OTHERS):
                await asyncio.sleep(0)
