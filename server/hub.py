"""One live session on this node: its state projected from the log, and the sockets that follow it."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from qa_queue.events import Event as QueueEvent
from qa_queue.queue import LiveQueue
from qa_queue.state import State
from server.fanout import Fanout
from server.kept import KeptLinks
from server.member import Member
from server.metrics import Metrics
from server.presence import Presence
from server.views.entries import Entry, advance
from server.views.snapshots import snapshot
from signaling.entities import Snapshot
from signaling.events import Event
from signaling.messages import Presence as PresenceMessage
from signaling.messages import ServerMessage, Speakers
from store.errors import StoreError, StoreUnavailable
from store.sessions import SessionRecord

logger = logging.getLogger(__name__)

RECENT_EVENTS = 1024
"""Events kept for those who come back; who missed more gets a snapshot."""

CLOSE_RESTART = 1012
FOLLOW_RETRY_S = 0.5
READ_PACE_S, LONGEST_READ_PACE_S = 4e-6, 0.01
"""Pause after reading the log, for each person and at most: what is read there is behind the log by that much."""


@dataclass(frozen=True)
class Position:
    """Where a member enters the log; exactly one of `snapshot` and `events` is not None."""

    seq: int
    snapshot: Snapshot | None
    events: list[Event] | None
    present: int


@dataclass
class Loaded:
    """What a hub begins with: the state, and the entries before it for those who come back."""

    state: State
    recent: deque[Entry] = field(default_factory=lambda: deque(maxlen=RECENT_EVENTS))


Hook = Callable[[QueueEvent], None]


class Hub:
    """Fans the log out.

    A member enters in one step of the event loop: what it is given up to its position, and what is sent to it from there
    on, join without a gap and without an overlap.

    Args:
        record: the session.
        loaded: its state at the position from which the log is followed.
        queue: the log.
        kept: takes the media of members who are lost.
        metrics: counts.
    """

    def __init__(
        self, record: SessionRecord, loaded: Loaded, *, queue: LiveQueue, kept: KeptLinks, metrics: Metrics
    ) -> None:
        self.record = record
        self.presence = Presence(self._announce_presence)
        self.state = loaded.state
        self.order: list[str] = []
        """Ids of the queued questions, as members were told last; see `Clockwork`."""
        self.hooks: list[Hook] = []
        """Called with each event once it is applied and sent."""
        self.on_left: Callable[[str], None] = lambda person: None
        """Called with a person who closed the last page here for good."""
        self._recent = loaded.recent
        self._queue = queue
        self._kept = kept
        self._metrics = metrics
        self._members: dict[str, list[Member]] = {}
        self._untold: deque[QueueEvent] = deque()
        self._fanout = Fanout(self.members)
        self._tasks = asyncio.create_task(self._follow()), asyncio.create_task(self._tell())

    @property
    def seq(self) -> int:
        """Position in the log."""
        return self.state.seq

    @property
    def empty(self) -> bool:
        """Whether nobody is here."""
        return not self._members

    def members(self) -> Iterator[Member]:
        """All sockets that have joined."""
        for members in self._members.values():
            yield from members

    def members_of(self, person: str) -> list[Member]:
        """The sockets of a person."""
        return list(self._members.get(person, ()))

    def enter(self, member: Member, last_event: int | None) -> Position:
        """Let a member in; it is sent everything after the position that is returned.

        The caller queues `joined` before it awaits anything else.
        """
        who = member.identity
        whole, events = None, self._missed(member, last_event)
        if events is None:
            whole = snapshot(self.state, who.person, self.order, staff=who.staff)
        # Counted before it is here: `joined` tells it the number, and nothing may come before `joined`.
        present = self.presence.enter(who.person)
        self._members.setdefault(who.person, []).append(member)
        member.take_over(self._kept)
        member.position, member.heard = self.seq, self._fanout.said
        return Position(self.seq, whole, events, present)

    def leave(self, member: Member, *, for_good: bool) -> None:
        """Take a member out. Its media go to another socket of the same person, or are kept, or end for good."""
        person = member.identity.person
        others = self._members[person]
        others.remove(member)
        if not others:
            del self._members[person]
        self.presence.leave(person)
        member.leave_media(self._kept, for_good=for_good)
        if others and not for_good:
            others[-1].inherit(self._kept)
        if for_good and not others:
            self.on_left(person)

    def tell_speakers(self, people: list[str]) -> None:
        """Others speak now."""
        self.tell_all(Speakers(speakers=people))

    def tell_all(self, message: ServerMessage) -> None:
        """Send a message to everybody who is here by then, encoded once."""
        self._fanout.say(message)

    def stop(self) -> None:
        """Follow no more."""
        self.presence.close()
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Follow no more, and wait until that is so."""
        self.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _missed(self, member: Member, last_event: int | None) -> list[Event] | None:
        """The events that a member missed, or None where a snapshot is needed."""
        if last_event is None or last_event > self.seq or self.seq - last_event > len(self._recent):
            return None
        who = member.identity
        missed = (entry for entry in self._recent if entry.seq > last_event)
        return [seen for entry in missed if (seen := entry.seen_by(who.person, staff=who.staff)) is not None]

    async def _follow(self) -> None:
        """Apply every event of the log as it comes, for as long as the hub lives."""
        while True:
            try:
                async for batch in self._queue.follow(self.record.id, self.seq):
                    entries = [advance(self.state, event) for event in batch]
                    self._recent.extend(entries)
                    self._untold.extend(batch)
                    self._fanout.add(entries)
                    await asyncio.sleep(min(LONGEST_READ_PACE_S, READ_PACE_S * len(self._members)))
            except StoreUnavailable as error:
                logger.warning("session %s cannot follow its log: %s", self.record.id, error)
                await asyncio.sleep(FOLLOW_RETRY_S)
            except Exception:
                # The log is not what was read before, so nobody here can trust what they have.
                logger.exception("session %s starts again", self.record.id)
                await self._start_again()

    async def _tell(self) -> None:
        """Send what was applied, for as long as the hub lives."""
        while True:
            try:
                await self._fanout.run(self._told)
            except Exception:
                logger.exception("session %s starts again", self.record.id)
                await self._start_again()

    def _told(self, entries: list[Entry]) -> None:
        for entry in entries:
            self._metrics.events.labels(entry.kind).inc()
            event = self._untold.popleft()
            for hook in self.hooks:
                hook(event)

    async def _start_again(self) -> None:
        """Send everybody away to join anew, and take the state from the store."""
        for member in self.members():
            member.outbox.finish(CLOSE_RESTART)
        await asyncio.sleep(FOLLOW_RETRY_S)
        with contextlib.suppress(StoreError):
            self.state = await self._queue.snapshot(self.record.id)
            self._recent.clear()
            self._untold.clear()
            self._fanout.forget()

    def _announce_presence(self, present: int) -> None:
        self.tell_all(PresenceMessage(present=present))


async def load(queue: LiveQueue, session: str) -> Loaded:
    """The state of a session and, where its log is short enough to be read, what those who come back may have missed."""
    loaded = Loaded(State())
    events = await queue.events(session, 0, REPLAYED_EVENTS + 1)
    if len(events) > REPLAYED_EVENTS:
        return Loaded(await queue.snapshot(session))
    for event in events:
        loaded.recent.append(advance(loaded.state, event))
    return loaded


REPLAYED_EVENTS = 5_000
"""About 0.2 s."""
