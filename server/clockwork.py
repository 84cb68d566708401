"""What a session does by the clock: its order, what is due, and its running hash."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Iterator

from qa_queue.chat.model import Announcement
from qa_queue.draw.model import Draw
from qa_queue.errors import QueueError
from qa_queue.export import LogHash as RunningHash
from qa_queue.model import SYSTEM
from qa_queue.polls.model import Poll
from qa_queue.questions.order import ordered
from qa_queue.queue import LiveQueue
from qa_queue.stage.model import Hand
from server.hub import Hub
from signaling.messages import LogHash, Ordered
from store.errors import StoreError

logger = logging.getLogger(__name__)

TICK_S = 1.0
ORDER_LENGTH = 100
HASH_EVERY_TICKS = 10
HASHED_STEPS = 20
"""In a tick at most: twice what a busy session adds in it."""


class Clockwork:
    """Ticks once a second while the hub lives. Every node does it; commands with the same id happen once.

    Args:
        hub: the session.
        queue: where what is due goes.
        stage_hold_s: how long a place on stage is kept for who is lost.
    """

    def __init__(self, hub: Hub, queue: LiveQueue, *, stage_hold_s: float) -> None:
        self._stage_hold_s = stage_hold_s
        self._began = time.monotonic()
        self._hub = hub
        self._queue = queue
        self._hash = RunningHash()
        self._told_hash = 0
        self._ticks = 0
        hub.order = ordered(hub.state, _now_ms())[:ORDER_LENGTH]
        self._mode = hub.state.settings.order
        self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        """Tick no more."""
        self._task.cancel()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._ticks += 1
            try:
                self._tell_order()
                for due in self._due():
                    await _done_once(due)
                await self._hold_stage()
                await self._tell_hash()
            except StoreError as error:
                logger.warning("session %s cannot do what is due: %s", self._hub.record.id, error)
            except Exception:
                logger.exception("session %s cannot do what is due", self._hub.record.id)

    def _tell_order(self) -> None:
        order = ordered(self._hub.state, _now_ms())[:ORDER_LENGTH]
        mode = self._hub.state.settings.order
        if (order, mode) != (self._hub.order, self._mode):
            self._hub.order, self._mode = order, mode
            self._hub.tell_all(Ordered(order=mode, questions=order))

    def _due(self) -> Iterator[Awaitable[object]]:
        """Commands whose time has come. Their scripts look at the store's clock, which alone decides."""
        session, state, now = self._hub.record.id, self._hub.state, _now_ms()
        for poll in list(state.all(Poll)):
            if poll.state == "open" and poll.deadline is not None and poll.deadline <= now:
                yield self._queue.run(session, SYSTEM, f"{poll.id}-{poll.deadline}", "poll_close", poll=poll.id)
        for announcement in list(state.all(Announcement)):
            if announcement.state == "scheduled" and announcement.at <= now:
                yield self._queue.run(
                    session, SYSTEM, f"{announcement.id}-show", "announcement_show", announcement=announcement.id
                )
        for draw in list(state.all(Draw)):
            if draw.state == "closed":
                yield self._queue.finish_draw(session, draw.id)

    async def _hold_stage(self) -> None:
        """Tell the store who of the stage is here; it frees the places of those who are nowhere."""
        hub = self._hub
        young = time.monotonic() - self._began < self._stage_hold_s
        for hand in [hand for hand in hub.state.all(Hand) if hand.state == "stage"]:
            here = bool(hub.members_of(hand.id))
            # After a restart of all nodes, people get their time to come back.
            if here or not young:
                hold_ms = int(self._stage_hold_s * 1000)
                await self._queue.hold_stage(hub.record.id, hand.id, here=here, hold_ms=hold_ms)

    async def _tell_hash(self) -> None:
        """Take up what the log has got; tell the hash every now and then. A log that was there before is read bit by bit."""
        for _ in range(HASHED_STEPS):
            for event in await self._queue.events(self._hub.record.id, self._hash.seq, RunningHash.STEP):
                self._hash.add(event)
            if self._hash.seq >= self._hub.seq:
                break
        if self._ticks % HASH_EVERY_TICKS == 0 and self._told_hash < self._hash.seq >= self._hub.seq:
            self._told_hash = self._hash.seq
            self._hub.tell_all(LogHash(seq=self._hash.seq, sha256=self._hash.sha256))


async def _done_once(due: Awaitable[object]) -> None:
    try:
        await due
    except QueueError as error:
        logger.debug("what was due is done already, or not due yet: %s", error)


def _now_ms() -> int:
    return int(time.time() * 1000)
