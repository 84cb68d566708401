"""What each viewer is shown at most, by what its link carries: one pass over all viewers at once.

A viewer's room is its estimate less what sound takes. It is given out in the order of `_ladder`: first the least encoding of
each picture, `main` first, then better ones of `main`, then of the stage. Down at once; up when better has fitted for a while,
with a patience that doubles when going up on a link that others use was followed by going down again.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SLOTS = 4
"""Pictures of a viewer: `main` and three of the stage."""

LEVELS = 4
"""Encodings of a source at most."""

NOTHING = -1
"""The bound of a picture that is paused."""

UNBOUND = LEVELS - 1
"""The bound that is none."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Bounds = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class PolicyConfig:
    """All thresholds.

    Args:
        interval_s: between two passes. Feedback comes every 50 to 100 ms, so sooner would see nothing new.
        audio_bps: reserved for sound, bit/s: Opus at 32 kbit/s, and as much again for headers and a second voice now and then.
        overhead: of a stream over its RTP payload: header, tag and extensions of packets of about 1000 octets, and some repairs.
        keep: what an encoding that is shown must fit the estimate by; below that it is given up at once.
        rise: what a better one must fit by, so that a rate that wavers by a twelfth changes nothing.
        settle_s: a better one must have fitted for so long: estimates overshoot for a few feedback intervals.
        patience_s: least time from a step down to the next step up, on a link that is ours alone.
        most_patience_s: to which it doubles while others use the link, so that a constant link sees at most a switch a minute
            or so, and a viewer is not kept low for much longer than the others stay.
        relapse_s: a step down so soon after one up says that going up was wrong.
        forgive_s: so long without a step either way the patience is as it was at first.
    """

    interval_s: float = 0.1
    audio_bps: float = 64_000
    overhead: float = 1.06
    keep: float = 1.0
    rise: float = 1.08
    settle_s: float = 0.5
    patience_s: float = 0.5
    most_patience_s: float = 30.0
    relapse_s: float = 10.0
    forgive_s: float = 20.0


class Policy:
    """Bounds of all viewers, a row each. Rows are given by `add` and used again after `remove`.

    `bounds` has for each row and picture the best encoding that may be shown, 0 the lowest, or `NOTHING`.
    """

    def __init__(self, config: PolicyConfig) -> None:
        self._config = config
        self._free: list[int] = []
        self.rows = 0
        self.bounds: Bounds = np.empty((0, SLOTS), np.int8)
        self._better_since: Floats = np.empty(0)
        self._went_up: Floats = np.empty(0)
        self._went_down: Floats = np.empty(0)
        self._patience: Floats = np.empty(0)

    def add(self) -> int:
        """A row for a viewer, unbound."""
        if not self._free:
            self._grow()
        row = self._free.pop()
        self._reset(slice(row, row + 1))
        return row

    def remove(self, row: int) -> None:
        """Give a row back."""
        self._reset(slice(row, row + 1))
        self._free.append(row)

    def decide(
        self, now: float, estimates: Floats, contended: Bools, rates: Floats, wishes: Bounds
    ) -> npt.NDArray[np.intp]:
        """Set `bounds`; returns the rows in which they changed.

        Args:
            now: seconds of a monotonic clock.
            estimates: (rows,) bit/s; NaN where nothing is known, which bounds nothing.
            contended: (rows,) whether others use the link.
            rates: (rows, SLOTS, LEVELS) bit/s of payload of each encoding; inf where there is none.
            wishes: (rows, SLOTS) the best encoding wanted; `NOTHING` where the picture shows nothing.
        """
        best = self._best(estimates, rates, wishes)
        shown = np.minimum(self.bounds, wishes)
        down: Bools = np.any(best < shown, axis=1)
        better: Bools = ~down & np.any(best > shown, axis=1)
        up = better & self._may_rise(now, better, contended)
        up |= better & np.isnan(estimates)
        self._note_down(now, down, contended)
        self._went_up[up] = now
        self._better_since[down | up] = np.nan
        changed = down | up
        # A picture whose wish is met is unbound: a wish that grows is then tried at once.
        self.bounds[changed] = np.where(best == wishes, UNBOUND, best)[changed]
        return np.flatnonzero(changed)

    def _best(self, estimates: Floats, rates: Floats, wishes: Bounds) -> Bounds:
        """The best that fits now, whatever was before."""
        config = self._config
        shown = np.minimum(self.bounds, wishes)
        level = np.arange(LEVELS, dtype=np.int8)
        costs = rates * np.where(level <= shown[:, :, None], config.keep, config.rise) * config.overhead
        # Where nothing is known of the link everything is free.
        costs[np.isnan(estimates)] = 0.0
        costs[level > wishes[:, :, None]] = np.inf
        best = np.full(wishes.shape, NOTHING, np.int8)
        spent = np.zeros(wishes.shape)
        left = np.nan_to_num(estimates) - config.audio_bps
        left[np.isnan(estimates)] = 0.0
        for slot, step in _ladder():
            more = costs[:, slot, step] - spent[:, slot]
            fits = more <= left
            best[fits, slot] = step
            left[fits] -= more[fits]
            spent[fits, slot] = costs[fits, slot, step]
        return best

    def _may_rise(self, now: float, better: Bools, contended: Bools) -> Bools:
        config = self._config
        began = better & np.isnan(self._better_since)
        self._better_since[began] = now
        self._better_since[~better] = np.nan
        calm = (now - self._went_up > config.forgive_s) & (now - self._went_down > config.forgive_s)
        self._patience[~contended | calm] = config.patience_s
        return (now - self._better_since >= config.settle_s) & (now - self._went_down >= self._patience)

    def _note_down(self, now: float, down: Bools, contended: Bools) -> None:
        config = self._config
        relapsed = down & contended & (now - self._went_up < config.relapse_s)
        self._patience[relapsed] = np.minimum(self._patience[relapsed] * 2, config.most_patience_s)
        self._went_down[down] = now

    def _grow(self) -> None:
        before, self.rows = self.rows, max(16, self.rows * 2)
        self.bounds = np.resize(self.bounds, (self.rows, SLOTS))
        for name in ("_better_since", "_went_up", "_went_down", "_patience"):
            setattr(self, name, np.resize(getattr(self, name), self.rows))
        self._reset(slice(before, self.rows))
        self._free = list(range(self.rows - 1, before - 1, -1))

    def _reset(self, rows: slice) -> None:
        self.bounds[rows] = UNBOUND
        self._better_since[rows] = np.nan
        self._went_up[rows] = self._went_down[rows] = -np.inf
        self._patience[rows] = self._config.patience_s


def _ladder() -> list[tuple[int, int]]:
    """(picture, encoding) in the order in which room is given out."""
    base = [(slot, 0) for slot in range(SLOTS)]
    main = [(0, level) for level in range(1, LEVELS)]
    return base + main + [(slot, level) for level in range(1, LEVELS) for slot in range(1, SLOTS)]
