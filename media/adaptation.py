"""Adaptation to viewers' links: what the plane tells of them goes to the policy, and its bounds go to the rooms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from livetrial_plane import Plane
from media.policy import LEVELS, NOTHING, SLOTS, Policy, PolicyConfig
from media.protection import Protection, ProtectionConfig
from media.views import VIDEO_SLOTS

NOMINAL_BPS = (150_000, 500_000, 1_700_000, 3_000_000)
"""What an encoding is taken to need that has not been seen: what the publishing page asks of its encoder, lowest first."""

SOURCES_A_PASS = 4
"""Sources whose rates are read in one pass: each costs a turn of its worker, and rates change slowly."""

PROBE_BEYOND = 1.05
"""Probes look for so much more than what is wanted takes, because rates waver."""

RATE_WEIGHT = 0.3
"""Of a new reading in the smoothed rate of an encoding."""


@dataclass(eq=False, slots=True)
class Viewer:
    """A receiving peer under adaptation."""

    peer: int
    row: int
    on_bounds: Callable[[dict[str, int]], None]


@dataclass(eq=False, slots=True)
class _Rates:
    """Rates of a source's encodings in `Adaptation._rates`, and the octets by which they are measured."""

    row: int
    watchers: int = 0
    read_at: float | None = None
    octets: list[int] = field(default_factory=list)
    known: set[int] = field(default_factory=set)


class Adaptation:
    """All viewers of a node.

    Args:
        plane: tells what the links carry.
        config: of the policy.
    """

    def __init__(self, plane: Plane, config: PolicyConfig) -> None:
        self._plane = plane
        self._config = config
        self._policy = Policy(config)
        self._protection = Protection(ProtectionConfig())
        self._viewers: dict[int, Viewer] = {}
        self._peers: npt.NDArray[np.uint32] = np.empty(0, np.uint32)
        self._rows: npt.NDArray[np.intp] = np.empty(0, np.intp)
        self._sources: dict[int, _Rates] = {}
        self._free: list[int] = []
        # Row 0 stands for no source.
        self._rates = np.full((1, LEVELS), np.inf)
        self._shown = np.zeros((0, SLOTS), np.intp)
        self._wishes = np.full((0, SLOTS), NOTHING, np.int8)
        self._watched: dict[tuple[int, int], int] = {}

    @property
    def sources(self) -> set[int]:
        """What viewers watch."""
        return set(self._sources)

    def quality(self) -> dict[str, int]:
        """How many viewers get all that they wish ("full"), less of it ("reduced"), or of its pictures none ("sound")."""
        rows = self._rows
        wishes = self._wishes[rows]
        shown = np.minimum(self._policy.bounds[rows], wishes)
        full = (shown == wishes).all(axis=1)
        sound = ~full & (shown == NOTHING).all(axis=1)
        return {"full": int(full.sum()), "reduced": int((~full & ~sound).sum()), "sound": int(sound.sum())}

    def add(self, peer: int, on_bounds: Callable[[dict[str, int]], None]) -> Viewer:
        """A viewer begins. `on_bounds` is called with the best encoding that each video slot may show, when they change."""
        viewer = Viewer(peer, self._policy.add(), on_bounds)
        missing = self._policy.rows - len(self._shown)
        if missing:
            self._shown = np.concatenate([self._shown, np.zeros((missing, SLOTS), np.intp)])
            self._wishes = np.concatenate([self._wishes, np.full((missing, SLOTS), NOTHING, np.int8)])
        self._protection.reset(viewer.row)
        self._viewers[peer] = viewer
        self._index()
        return viewer

    def remove(self, viewer: Viewer) -> None:
        """A viewer ends. Idempotent."""
        if viewer.peer not in self._viewers:
            return
        for slot in VIDEO_SLOTS:
            self.wish(viewer, slot, None, NOTHING)
        self._policy.remove(viewer.row)
        del self._viewers[viewer.peer]
        self._index()

    def wish(self, viewer: Viewer, slot: str, source: int | None, encoding: int) -> None:
        """`slot` is to show `source`, at best at `encoding`; other slots than those of video are passed over."""
        if slot not in VIDEO_SLOTS:
            return
        column = VIDEO_SLOTS.index(slot)
        place = (viewer.row, column)
        before = self._watched.pop(place, None)
        if source is not None:
            self._watched[place] = source
            rates = self._sources.setdefault(source, _Rates(self._new_rates() if source not in self._sources else 0))
            rates.watchers += 1
            self._shown[place] = rates.row
        else:
            self._shown[place] = 0
        self._wishes[place] = NOTHING if source is None else min(encoding, LEVELS - 1)
        if before is not None:
            self._unwatch(before)

    def run(self, now: float) -> None:
        """One pass; call it every `PolicyConfig.interval_s` with a monotonic clock.

        Raises:
            RuntimeError: the plane stopped.
        """
        if not self._viewers:
            return
        for source in list(self._sources)[:SOURCES_A_PASS]:
            self._measure(source, self._plane.source_stats(source), now)
        snapshot = self._plane.snapshot()
        estimates, contended = self._links(snapshot)
        self._protect(now, snapshot, estimates)
        estimates -= self._protection.overhead_bps  # copies leave less for pictures
        changed = self._policy.decide(now, estimates, contended, self._rates[self._shown], self._wishes)
        if len(changed):
            by_row = {viewer.row: viewer for viewer in self._viewers.values()}
            for row in changed:
                if viewer := by_row.get(int(row)):
                    bounds = self._policy.bounds[row].tolist()
                    self._plane.want_bitrate(viewer.peer, self._wanted(row))
                    viewer.on_bounds(dict(zip(VIDEO_SLOTS, bounds, strict=True)))

    def _protect(self, now: float, snapshot: npt.NDArray[np.void], estimates: npt.NDArray[np.float64]) -> None:
        """Protect each viewer's media by what its link loses."""
        protection = self._protection
        loss = np.full(self._policy.rows, np.nan)
        copied = np.zeros(self._policy.rows)
        rows, ours = self._places(snapshot)
        loss[rows] = snapshot["link_loss"][ours]
        copied[rows] = snapshot["copied_bytes"][ours]
        changed = set(protection.decide(now, loss, estimates, copied).tolist())
        for viewer in self._viewers.values() if changed else ():
            if viewer.row in changed:
                self._plane.protect(
                    viewer.peer,
                    copies=int(protection.copies[viewer.row]),
                    spacing_ms=int(protection.spacing_ms[viewer.row]),
                    retransmissions=int(protection.retransmissions[viewer.row]),
                )

    def _wanted(self, row: np.intp) -> int:
        """Bit/s that a viewer needs for all that it wishes, 0 where it has that."""
        wishes = self._wishes[row]
        if (self._policy.bounds[row] >= wishes).all():
            return 0
        shown = wishes >= 0
        needed = self._rates[self._shown[row][shown], wishes[shown]].sum()
        return int((needed * self._config.rise * self._config.overhead + self._config.audio_bps) * PROBE_BEYOND)

    def _links(self, snapshot: npt.NDArray[np.void]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Estimates and contention by row. All sinks of a peer tell the same."""
        estimates = np.full(self._policy.rows, np.nan)
        contended = np.zeros(self._policy.rows, np.bool_)
        rows, ours = self._places(snapshot)
        estimates[rows] = snapshot["estimate_bps"][ours]
        contended[rows] = snapshot["contended"][ours] > 0
        return estimates, contended

    def _places(self, snapshot: npt.NDArray[np.void]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """The viewers' rows that lines of the snapshot belong to, and which lines those are."""
        places = np.searchsorted(self._peers, snapshot["peer"]).clip(max=len(self._peers) - 1)
        ours = self._peers[places] == snapshot["peer"]
        return self._rows[places[ours]], ours

    def _measure(self, source: int, stats: Sequence[Mapping[str, int]], now: float) -> None:
        """Take in what a source's encodings have brought; one that pauses keeps the rate that it had."""
        rates = self._sources.pop(source)
        self._sources[source] = rates  # at the end of those to be measured
        octets = [encoding["bytes"] for encoding in stats]
        if rates.read_at is not None and len(octets) == len(rates.octets) and now > rates.read_at:
            for level, (after, before) in enumerate(zip(octets[:LEVELS], rates.octets, strict=False)):
                if stats[level]["active"] and after > before:
                    self._smooth(rates, level, (after - before) * 8 / (now - rates.read_at))
        rates.read_at, rates.octets = now, octets

    def _smooth(self, rates: _Rates, level: int, bps: float) -> None:
        known = level in rates.known
        before = self._rates[rates.row, level]
        self._rates[rates.row, level] = before + RATE_WEIGHT * (bps - before) if known else bps
        rates.known.add(level)

    def _unwatch(self, source: int) -> None:
        rates = self._sources[source]
        rates.watchers -= 1
        if not rates.watchers:
            self._free.append(rates.row)
            del self._sources[source]

    def _new_rates(self) -> int:
        if not self._free:
            self._free.append(len(self._rates))
            self._rates = np.concatenate([self._rates, np.full((1, LEVELS), np.inf)])
        row = self._free.pop()
        self._rates[row] = NOMINAL_BPS
        return row

    def _index(self) -> None:
        peers = np.fromiter(self._viewers, np.uint32, len(self._viewers))
        order = np.argsort(peers)
        rows = np.fromiter((viewer.row for viewer in self._viewers.values()), np.intp, len(self._viewers))
        self._peers, self._rows = peers[order], rows[order]
