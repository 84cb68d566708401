"""When which position of the log had reached everybody."""

from bisect import bisect_left
from dataclasses import dataclass, field


@dataclass
class Arrivals:
    """Positions of the log as they reach connections; a message that covers the log up to `seq` reaches each connection once.

    Args:
        connections: how many there are.
    """

    connections: int
    _reached: dict[int, int] = field(default_factory=dict)
    _complete: dict[int, float] = field(default_factory=dict)

    def saw(self, seq: int, at: float) -> None:
        """A connection got what happened up to `seq`, at time `at`, not before any earlier call."""
        count = self._reached[seq] = self._reached.get(seq, 0) + 1
        if count == self.connections:
            self._complete[seq] = at

    def shown_at(self, seqs: list[int]) -> list[float | None]:
        """For each position the time at which every connection had got it; None: not all did."""
        steps = sorted(self._reached)
        found: list[float | None] = []
        for seq in seqs:
            step = bisect_left(steps, seq)
            found.append(self._complete.get(steps[step]) if step < len(steps) else None)
        return found


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of all do not exceed; 0 without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
