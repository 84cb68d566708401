"""Up to which encoding of a source all are wanted, for a publisher who can stop the others."""

from collections.abc import Callable
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
    """Counts who watches what: the best that anybody does is on, and all below it.

    On at once, off after `OFF_DELAY_S` without an encoding joining those to turn off.

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

    def settle(self) -> None:
        """Act on what is wanted now."""
        wanted = self._wanted()
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

    def _wanted(self) -> set[int]:
        # A viewer whose link narrows needs what is below at once, and so do all where the publisher's uplink does not carry the best:
        # to ask for it then takes a round trip, a restart of the encoder and a keyframe, which the link has no room for.
        # Where nobody watches, the cheapest one stays: whoever comes sees it at once, and the session is seen to be live.
        best = max((encoding for encoding, watchers in enumerate(self._watchers) if watchers), default=0)
        return set(range(best + 1))
