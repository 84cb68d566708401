"""The door through which joins come: so many a second, fewer where this node is busy, in the order of their arrival, so that those inside
are not disturbed."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from server.rate import TokenBucket
from signaling.errors import Busy

JOINS_PER_S = 150.0
"""A join costs up to 3 ms of one core, handshake and all; the rest of it is for those who are in."""

JOINS_AT_ONCE = 50

LATE_S = 0.1
"""When the event loop is later than this, joins that are under way have taken all there is: more of them at once would only make
all of them slow, until those who wait for an answer ask again and make it worse."""

LATE_JOINS_PER_S = 60.0
"""Let in even then: two fifths, which is more than nothing where it is another process that takes the time."""

PROBE_S = 0.01
"""How often lateness is looked at while people come."""

MAX_WAITING = 10_000

TELL_INTERVAL_S = 1.0
"""How often those who wait are told their place."""

RETRY_AFTER_MS = 5_000


@dataclass(eq=False)
class _Waiting:
    turn: asyncio.Future[None]
    tell: Callable[[int], None]


class Doorway:
    """First come, first served.

    Args:
        rate_per_s: joins that are let in.
        at_once: of these, how many may come together.
        max_waiting: more are told `busy`.
    """

    def __init__(
        self, *, rate_per_s: float = JOINS_PER_S, at_once: int = JOINS_AT_ONCE, max_waiting: int = MAX_WAITING
    ) -> None:
        self._bucket: TokenBucket | None = None
        self._rate_per_s = rate_per_s
        self._at_once = at_once
        self._max_waiting = max_waiting
        self._waiting: deque[_Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._told_at = float("-inf")
        self._probe: asyncio.TimerHandle | None = None
        self._late = False
        self._come = False

    def __len__(self) -> int:
        return len(self._waiting)

    async def enter(self, tell: Callable[[int], None]) -> None:
        """Wait for one's turn, which is mostly now.

        Args:
            tell: called with the place in the queue, 1 being the next, while there is one.

        Raises:
            Busy: too many wait.
        """
        self._come = True
        self._look()
        if not self._waiting and not self._late and self._take() == 0:
            return
        if len(self._waiting) >= self._max_waiting:
            raise Busy("too many people wait to join", retry_after_ms=RETRY_AFTER_MS)
        waiting = _Waiting(asyncio.get_running_loop().create_future(), tell)
        self._waiting.append(waiting)
        tell(len(self._waiting))
        self._set_timer(1 / self._rate_per_s)
        try:
            await waiting.turn
        finally:
            if waiting in self._waiting:  # it gave up
                self._waiting.remove(waiting)

    def loop_was_late(self, seconds: float) -> None:
        """The event loop came to something so much later than it should have."""
        self._late = seconds > LATE_S

    def _look(self) -> None:
        """See how late the loop is, again and again while somebody comes or waits."""
        if self._probe is None and (self._come or self._waiting):
            self._come = False
            loop = asyncio.get_running_loop()
            self._probe = loop.call_later(PROBE_S, self._looked, loop.time() + PROBE_S)

    def _looked(self, due: float) -> None:
        self._probe = None
        self.loop_was_late(asyncio.get_running_loop().time() - due)
        self._look()

    def _take(self) -> float:
        """Take a turn; returns 0, or the seconds until there is one."""
        now = asyncio.get_running_loop().time()
        if self._bucket is None:
            self._bucket = TokenBucket(rate_per_s=self._rate_per_s, burst=self._at_once, now=now)
        return self._bucket.take(now)

    def _set_timer(self, delay_s: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._let_in)

    def _let_in(self) -> None:
        self._timer = None
        delay_s = 0.0
        while self._waiting and (delay_s := self._take()) == 0:
            turn = self._waiting.popleft().turn
            if not turn.done():
                turn.set_result(None)
            if self._late:
                delay_s = 1 / LATE_JOINS_PER_S
                break
        if self._waiting:
            self._tell_places()
            self._set_timer(delay_s)

    def _tell_places(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._told_at < TELL_INTERVAL_S:
            return
        self._told_at = now
        for place, waiting in enumerate(self._waiting, start=1):
            waiting.tell(place)
