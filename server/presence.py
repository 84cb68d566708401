"""How many people are connected, told at most once a second."""

import asyncio
from collections import Counter
from collections.abc import Callable

INTERVAL_S = 1.0


class Presence:
    """Counts people, not sockets, and announces a changed number.

    Args:
        announce: called with the number; at once after a second of quiet, else when the second is over.
        interval_s: the least time between two calls.
    """

    def __init__(self, announce: Callable[[int], None], *, interval_s: float = INTERVAL_S) -> None:
        self._announce = announce
        self._interval_s = interval_s
        self._sockets: Counter[str] = Counter()
        self._announced = 0
        self._told_otherwise = False
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._sockets)

    def enter(self, person: str) -> int:
        """A socket of this person joined; returns the number that it is told itself."""
        self._sockets[person] += 1
        self._changed()
        # It holds a number that the others were not told, so the next announcement is due even if the number falls back.
        self._told_otherwise |= len(self) != self._announced
        return len(self)

    def leave(self, person: str) -> None:
        """A socket of this person left."""
        self._sockets[person] -= 1
        if not self._sockets[person]:
            del self._sockets[person]
        self._changed()

    def close(self) -> None:
        """Announce no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _changed(self) -> None:
        if self._timer is None and (self._told_otherwise or len(self) != self._announced):
            self._tell()

    def _tell(self) -> None:
        self._announced = len(self)
        self._told_otherwise = False
        self._announce(self._announced)
        self._timer = asyncio.get_running_loop().call_later(self._interval_s, self._quiet)

    def _quiet(self) -> None:
        self._timer = None
        self._changed()
