"""One live session on this node: its state projected from the log, and the sockets that follow it."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from qa_queue import events as queue_events
from qa_queue.queue import LiveQueue
from qa_queue.state import State
from server.kept import KeptLinks
from server.member import Member
from server.metrics import Metrics
from server.presence import Presence
from server.translate import Entry, to_entry, to_snapshot
from signaling.codec import encode
from signaling.messages import Event, Events, ServerMessage, Snapshot, Speakers
from signaling.messages import Presence as PresenceMessage
from store.errors import StoreError, StoreUnavailable
from store.sessions import SessionRecord

logger = logging.getLogger(__name__)

RECENT_EVENTS = 256
"""Events kept for those who come back; who missed more gets a snapshot."""

CLOSE_RESTART = 1012
FOLLOW_RETRY_S = 0.5
PACE_S = 20e-6
"""Pause after a message to all, for each person: about what sending it costs."""


@dataclass(frozen=True)
class Position:
    """Where a member enters the log; exactly one of `snapshot` and `events` is not None."""

    seq: int
    snapshot: Snapshot | None
    events: list[Event] | None
    present: int


class Hub:
    """Fans the log out.

    A member enters in one step of the event loop: what it is given up to its position, and what is sent to it from there
    on, join without a gap and without an overlap.

    Args:
        record: the session.
        state: its state at the position from which the log is followed.
        recent: the events before that position, for those who come back.
        queue: the log.
        kept: takes the media of members who are lost.
        metrics: counts.
    """

    def __init__(
        self,
        record: SessionRecord,
        state: State,
        recent: Iterable[queue_events.Event],
        *,
        queue: LiveQueue,
        kept: KeptLinks,
        metrics: Metrics,
    ) -> None:
        self.record = record
        self.presence = Presence(self._announce_presence)
        self._state = state
        self._queue = queue
        self._kept = kept
        self._metrics = metrics
        self._recent: deque[Entry] = deque(map(to_entry, recent), maxlen=RECENT_EVENTS)
        self._members: dict[str, list[Member]] = {}
        self._votes_meanwhile: dict[str, list[dict[str, bool]]] = {}
        self._follower = asyncio.create_task(self._follow())

    @property
    def seq(self) -> int:
        """Position in the log."""
        return self._state.seq

    @property
    def empty(self) -> bool:
        """Whether nobody is here."""
        return not self._members and not self._votes_meanwhile

    async def enter(self, member: Member, last_event: int | None) -> Position:
        """Let a member in; it is sent everything after the position that is returned.

        The caller queues `joined` before it awaits anything else.
        """
        snapshot, events = None, self._missed(member, last_event)
        if events is None:
            voted = await self._voted(member.identity.person)
            snapshot = to_snapshot(self._state, voted)
        # Counted before it is here: `joined` tells it the number, and nothing may come before `joined`.
        present = self.presence.enter(member.identity.person)
        self._members.setdefault(member.identity.person, []).append(member)
        member.take_over(self._kept)
        return Position(self.seq, snapshot, events, present)

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

    def tell_speakers(self, people: list[str]) -> None:
        """Others speak now."""
        self._tell_all(Speakers(speakers=people))

    def stop(self) -> None:
        """Follow no more."""
        self.presence.close()
        self._follower.cancel()

    async def close(self) -> None:
        """Follow no more, and wait until that is so."""
        self.stop()
        await asyncio.gather(self._follower, return_exceptions=True)

    def _missed(self, member: Member, last_event: int | None) -> list[Event] | None:
        """The events that a member missed, or None where a snapshot is needed."""
        if last_event is None or last_event > self.seq or self.seq - last_event > len(self._recent):
            return None
        return [entry.seen_by(member.identity.person) for entry in self._recent if entry.seq > last_event]

    async def _voted(self, person: str) -> set[str]:
        """The questions that a person votes for, at the position where the hub stands when this returns.

        The store may answer from before or after that position. Votes that the hub sees while it waits are applied on top;
        those that it has yet to see are sent to the member as events that name its vote.
        """
        meanwhile: dict[str, bool] = {}
        waiting = self._votes_meanwhile.setdefault(person, [])
        waiting.append(meanwhile)
        try:
            voted = set(await self._queue.voted(self.record.id, person))
        finally:
            waiting.remove(meanwhile)
            if not waiting:
                del self._votes_meanwhile[person]
        voted |= {question for question, mine in meanwhile.items() if mine}
        return voted - {question for question, mine in meanwhile.items() if not mine}

    async def _follow(self) -> None:
        """Apply and send every event of the log, for as long as the hub lives."""
        while True:
            try:
                async for batch in self._queue.follow(self.record.id, self.seq):
                    for event in batch:
                        self._state = self._state.apply(event)
                    self._publish([to_entry(event) for event in batch])
                    # What happens meanwhile comes as one message: a large room is told less often, not later and later.
                    await asyncio.sleep(PACE_S * len(self._members))
            except StoreUnavailable as error:
                logger.warning("session %s cannot follow its log: %s", self.record.id, error)
                await asyncio.sleep(FOLLOW_RETRY_S)
            except Exception:
                # The log is not what was read before, so nobody here can trust what they have.
                logger.exception("session %s starts again", self.record.id)
                await self._start_again()

    async def _start_again(self) -> None:
        """Send everybody away to join anew, and take the state from the store."""
        for members in self._members.values():
            for member in members:
                member.outbox.finish(CLOSE_RESTART)
        await asyncio.sleep(FOLLOW_RETRY_S)
        with contextlib.suppress(StoreError):
            self._state = await self._queue.snapshot(self.record.id)
            self._recent.clear()

    def _publish(self, entries: list[Entry]) -> None:
        """Send events: encoded once for all, and once more for each person here whose vote is among them."""
        self._recent.extend(entries)
        text = encode(Events(events=[entry.public for entry in entries]))
        voters = {entry.by for entry in entries if entry.own is not None}
        for person, members in self._members.items():
            if person in voters:
                own = encode(Events(events=[entry.seen_by(person) for entry in entries]))
            for member in members:
                member.outbox.put(own if person in voters else text)
        for entry in entries:
            self._metrics.events.labels(entry.kind).inc()
            if entry.own is not None:
                for meanwhile in self._votes_meanwhile.get(entry.by, ()):
                    meanwhile[entry.own.question] = entry.own.mine is True

    def _announce_presence(self, present: int) -> None:
        self._tell_all(PresenceMessage(present=present))

    def _tell_all(self, message: ServerMessage) -> None:
        text = encode(message)
        for members in self._members.values():
            for member in members:
                member.outbox.put(text)
