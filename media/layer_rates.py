"""What each level of a source takes, from what its encodings and their layers have brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from media.policy import LEVELS, STEPS, Floats, level_of

if TYPE_CHECKING:
    from livetrial_plane import EncodingStats

NOMINAL_BPS = (150_000, 500_000, 1_700_000, 3_000_000)
"""What an encoding is taken to need that has not been seen: what the publishing page asks of its encoder, lowest first."""

SMOOTHING_S = 2.0
"""Time constant of a rate. A keyframe is a third of a second's worth of bits at once, and must not look like a larger picture."""

MOST_GROWTH = 2.0
"""A reading counts for no more than so many times the rate that is known, for the same reason."""

FIRST_S = 1.0
"""The rate of a source's only encoding, of which nothing is asked, is taken as known after so long."""

LAYERS = 4
"""Spatial, and temporal, layers whose octets the plane tells apart."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The best that a slot may show: an encoding (0 the lowest; -1: nothing) and layers of it (0 the lowest; None: all)."""

    encoding: int
    spatial: int | None = None
    temporal: int | None = None


class LayerRates:
    """One source's rates.

    A simulcast's sizes are its encodings; a single encoding's are its spatial layers. Spatial layers inside the encodings of a
    simulcast are not told apart.
    """

    def __init__(self) -> None:
        self.encodings = 0
        """How many there are; 0: not known yet."""
        self._bps: Floats = np.zeros((STEPS, LAYERS, LAYERS))
        self._bps[:, 0, 0] = NOMINAL_BPS
        self._shape = [(0, 0)] * STEPS
        self._seen: dict[int, float] = {}
        self._first: Floats = np.zeros((LAYERS, LAYERS))
        self._octets: Floats | None = None
        self._read_at = 0.0

    @property
    def steps(self) -> int:
        """How many sizes there are."""
        if self.encodings == 1:
            return max(1, min(self._shape[0][0], STEPS))
        return min(self.encodings or STEPS, STEPS)

    @property
    def top(self) -> int:
        """The best level."""
        return level_of(self.steps - 1)

    def measure(self, stats: "Sequence[EncodingStats]", now: float) -> bool:
        """Take in what has come; an encoding that pauses keeps the rate and the layers that it had. Returns whether levels mean
        something else than before.

        Args:
            stats: as `Plane.source_stats` tells.
            now: seconds of a monotonic clock.
        """
        before = (self.encodings, list(self._shape))
        self.encodings = len(stats) or self.encodings
        stats = stats[:STEPS]
        octets = np.zeros((STEPS, LAYERS, LAYERS))
        for index, encoding in enumerate(stats):
            octets[index] = encoding["layer_bytes"]
            if encoding["temporal_layers"]:
                self._shape[index] = (encoding["spatial_layers"], encoding["temporal_layers"])
        elapsed = now - self._read_at
        if self._octets is not None and elapsed > 0:
            for index, encoding in enumerate(stats):
                came = octets[index] - self._octets[index]
                if encoding["active"] and came.sum() > 0 and came.min() >= 0:
                    self._smooth(index, came * 8 / elapsed, elapsed)
        self._octets, self._read_at = octets, now
        return before != (self.encodings, self._shape)

    def levels(self) -> Floats:
        """(LEVELS,) bit/s of payload, as `Policy.decide` takes it."""
        rates = np.full(LEVELS, np.inf)
        for step in range(self.steps):
            encoding, spatial = self._place(step)
            by_temporal = self._encoding(encoding)[: LAYERS if spatial is None else spatial + 1].sum(axis=0).cumsum()
            full, layers = by_temporal[-1], self._temporal(encoding)
            half = by_temporal[layers - 2] if layers >= 2 else full
            rates[level_of(step)] = full
            rates[level_of(step) - 1] = half
            if step == 0:
                rates[0] = by_temporal[layers - 3] if layers >= 3 else half
        return rates

    def bound(self, level: int) -> Bound:
        """What a level means, -1 for nothing."""
        if level < 0:
            return Bound(-1)
        step = max(0, (level - 1) // 2)
        encoding, spatial = self._place(min(step, self.steps - 1))
        less = 0 if level == level_of(step) else 2 if level == 0 else 1
        layers = self._temporal(encoding)
        temporal = max(0, layers - 1 - less) if less and layers >= 2 else None
        if spatial is not None and spatial >= self.steps - 1:
            spatial = None
        return Bound(encoding, spatial, temporal)

    def _place(self, step: int) -> tuple[int, int | None]:
        """The encoding and the highest spatial layer of a size."""
        return (0, step) if self.encodings == 1 else (step, None)

    def _known(self, encoding: int) -> int:
        """The encoding itself, or one that tells what its layers will be like: an encoder layers all alike."""
        if encoding in self._seen:
            return encoding
        return max((other for other in self._seen if self._shape[other][1]), default=encoding)

    def _temporal(self, encoding: int) -> int:
        return min(self._shape[self._known(encoding)][1], LAYERS)

    def _encoding(self, encoding: int) -> Floats:
        known = self._known(encoding)
        bps: Floats = self._bps[known]
        return bps if known == encoding else bps * (NOMINAL_BPS[encoding] / max(bps.sum(), 1.0))

    def _smooth(self, encoding: int, bps: Floats, elapsed: float) -> None:
        seen = self._seen[encoding] = self._seen.get(encoding, 0.0) + elapsed
        before = self._bps[encoding]
        if self.encodings == 1 and seen - elapsed < FIRST_S:
            self._first += bps * elapsed
            if seen >= FIRST_S:
                self._bps[encoding] = self._first / seen
            return
        bps = bps * min(1.0, MOST_GROWTH * before.sum() / bps.sum())
        self._bps[encoding] = before + (1 - np.exp(-elapsed / SMOOTHING_S)) * (bps - before)
