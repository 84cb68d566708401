"""Which encodings of a source are wanted, for a publisher who can stop the others."""

from collections.abc import Callable, Sequence
from typing import Protocol

OFF_DELAY_S = 4.0
"""How long an encoding is kept on that nobody watches any more: each change costs the publisher's encoder a restart and
everybody a keyframe, so that a viewer who reloads the page must not cause two."""


class Timer(Protocol):
    """What `Later` returns, such as an `asyncio.TimerHandle`."""

    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Call back after so many seconds: `loop.call_later`."""


class Demand:
    """Counts who watches what. On at once, off after `OFF_DELAY_S` without an encoding joining those to turn off.

    All encodings are on at first, which is what a publisher does that was told nothing.

    Args:
        encodings: their number, at least 1.
        tell: called with the encodings that the publisher is to send, lowest first, whenever they change; never empty.
        later: for the delay.
    """

    def __init__(self, encodings: int, tell: Callable[[list[int]], None], later: Later) -> None:
        self._watchers = [0] * encodings
        self._on = set(range(encodings))
        self._surplus: set[int] = set()
        self._tell = tell
        self._later = later
        self._timer: Timer | None = None

    def watch(self, encoding: int, watchers: int) -> None:
        """So many more (or fewer) slots want `encoding`. Takes effect with `settle`."""
        self._watchers[encoding] += watchers

    def settle(self, arriving: Sequence[bool]) -> None:
        """Act on what is wanted now; `arriving` has a flag an encoding."""
        wanted = self._wanted(arriving)
        if not wanted <= self._on:
            self._on |= wanted
            self._tell(sorted(self._on))
        surplus = self._on - wanted
        if not surplus:
            self.close()
        elif not surplus <= self._surplus:
            self.close()
            self._timer = self._later(OFF_DELAY_S, self._turn_off)
        self._surplus = surplus

    def close(self) -> None:
        """Forget what waits to be turned off."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn_off(self) -> None:
        self._timer = None
        self._on -= self._surplus
        self._surplus = set()
        self._tell(sorted(self._on))

    def _wanted(self, arriving: Sequence[bool]) -> set[int]:
        wanted = {encoding for encoding, watchers in enumerate(self._watchers) if watchers}
        # One that does not arrive may be more than the publisher's uplink carries: its watchers need what is below it.
        if missing := [encoding for encoding in wanted if not arriving[encoding]]:
            wanted |= set(range(max(missing)))
        # Where nobody watches, the cheapest one stays: whoever comes sees it at once, and the session is seen to be live.
        return wanted or {0}
