"""What copies and repair packets take of each viewer's link, and what they would take with other pictures."""

from dataclasses import dataclass

import numpy as np

from media.links import Counts, Flags, Floats, weight


@dataclass(frozen=True, slots=True)
class OverheadConfig:
    """All thresholds.

    Args:
        smoothing: weight of a pass's reading, at one each `ProtectionConfig.pass_s` about a second.
        relief_smoothing: the same in `repaired` where it becomes less: five seconds. Losses are repaired in bursts, and a picture that
            came and went with each would be worse than one a little smaller.
        counted: of `repaired`: less changes no choice.
        most: of `repaired`: more is what waited of a larger picture before.
        by_copy: of `repaired` at least, for each copy of every packet of pictures: the plane gives copies a quarter of the link, and a
            picture that has them all is better than a larger one that has not.
        least: of the least picture: what says that it takes more was larger, and nothing is worse than no picture at all.
    """

    smoothing: float = 0.1
    relief_smoothing: float = 0.02
    counted: float = 0.01
    most: float = 4.0
    by_copy: float = 4.0
    least: float = 1.0


class Overhead:
    """Of all viewers, a row each.

    Attributes:
        bps: of all copies and repair packets, smoothed.
        audio_bps: what copies of sound take of that.
        repaired: what is spent on pictures, as a share of what they take themselves: larger ones cost as much more.
    """

    def __init__(self, config: OverheadConfig) -> None:
        self._config = config
        self.bps: Floats = np.empty(0)
        self.audio_bps: Floats = np.empty(0)
        self.repaired: Floats = np.empty(0)
        self._pictures_bps: Floats = np.empty(0)

    def reset(self, row: int) -> None:
        """A viewer begins or ends in this row."""
        for values in self._columns():
            values[row] = 0

    def grow(self, rows: int) -> None:
        """Have at least so many rows."""
        if (missing := rows - len(self.bps)) > 0:
            grown = (np.concatenate([values, np.zeros(missing)]) for values in self._columns())
            self.bps, self.audio_bps, self.repaired, self._pictures_bps = grown

    def measure(self, bps: Floats, audio_bps: Floats, pictures_bps: Floats | float, passes: float) -> None:
        """Take in what a pass brought.

        Args:
            bps: of all copies and repair packets.
            audio_bps: what copies of sound take at most.
            pictures_bps: what is shown takes itself; 0 where nothing is, which tells nothing of repairs.
            passes: for how many passes of the usual length this one stands.
        """
        config = self._config
        soon, later = weight(config.smoothing, passes), weight(config.relief_smoothing, passes)
        self.bps += soon * (bps - self.bps)
        self.audio_bps = np.minimum(self.bps, audio_bps)
        # As late as what repairs them: of another picture than now nothing follows.
        self._pictures_bps += soon * (pictures_bps - self._pictures_bps)
        repaired = np.minimum((self.bps - self.audio_bps) / np.maximum(self._pictures_bps, 1.0), config.most)
        shown: Flags | bool = pictures_bps > 0
        self.repaired += np.where(repaired > self.repaired, soon, later) * shown * (repaired - self.repaired)

    def costs(self, rates: Floats, copies: Counts) -> Floats:
        """(rows, pictures, levels) bit/s that pictures take, with what repairs them beyond those repairs that are sent now. `copies`: of
        each packet of pictures, by row."""
        repaired = np.maximum(self.repaired, copies * self._config.by_copy)
        # Most links lose nothing, and this is for everybody in each pass.
        rows = np.flatnonzero(repaired > self._config.counted)
        if not len(rows):
            return rates
        costs, ours = rates.copy(), rates[rows]
        now = (self.bps - self.audio_bps)[rows, None, None]
        costs[rows] = np.maximum(ours, ours * (1.0 + repaired[rows])[:, None, None] - now)
        costs[rows, :, 0] = np.minimum(costs[rows, :, 0], self.costs_of_least(ours))
        return costs

    def costs_of_least(self, rates: Floats) -> Floats:
        """(rows, pictures) bit/s that the least picture takes with its repairs."""
        costs: Floats = rates[:, :, 0] * (1.0 + self._config.least)
        return costs

    def _columns(self) -> tuple[Floats, ...]:
        return self.bps, self.audio_bps, self.repaired, self._pictures_bps
