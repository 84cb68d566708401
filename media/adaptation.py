"""Adaptation to viewers' links: what the plane tells of them goes to the policy, and its bounds go to the rooms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from livetrial_plane import Plane
from media.layer_rates import Bound, LayerRates
from media.links import Links
from media.policy import LEVELS, NOTHING, SLOTS, UNBOUND, Policy, PolicyConfig, level_of
from media.protection import Protection, ProtectionConfig
from media.views import VIDEO_SLOTS

SOURCES_A_PASS = 4
"""Sources whose rates are read in one pass: each costs a turn of its worker, and rates change slowly."""

PROBE_BEYOND = 1.05
"""Probes look for so much more than what is wanted takes, because rates waver."""

_ANY = LayerRates()
"""What is assumed of a source that is not known yet."""

Bounds = Mapping[str, Bound | None]
"""The best that each video slot may show; None: anything."""


@dataclass(eq=False, slots=True)
class Viewer:
    """A receiving peer under adaptation."""

    peer: int
    row: int
    on_bounds: Callable[[Bounds], None]


@dataclass(eq=False, slots=True)
class _Watched:
    """A source that is watched, and its row in `Adaptation._rates`."""

    row: int
    rates: LayerRates = field(default_factory=LayerRates)
    watchers: int = 0


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
        self._by_row: dict[int, Viewer] = {}
        self._peers: npt.NDArray[np.uint32] = np.empty(0, np.uint32)
        self._rows: npt.NDArray[np.intp] = np.empty(0, np.intp)
        self._indexed = True
        """Whether these two are those of `_viewers`: a crowd comes between two passes, and is gone through once."""
        self._sources: dict[int, _Watched] = {}
        self._free: list[int] = []
        # Row 0 stands for no source.
        self._rates = np.full((1, LEVELS), np.inf)
        self._tops = np.full(1, UNBOUND, np.int8)
        self._shown = np.zeros((0, SLOTS), np.intp)
        self._wishes = np.full((0, SLOTS), NOTHING, np.int8)
        self._watched: dict[tuple[int, int], int] = {}
        self._unsaid: set[int] = set()
        """Rows of viewers for whom their bounds mean something else than when they were told."""

    @property
    def sources(self) -> set[int]:
        """What viewers watch."""
        return set(self._sources)

    def quality(self) -> dict[str, int]:
        """How many viewers get all that they wish ("full"), less of it ("reduced"), or of its pictures none ("sound")."""
        self._index()
        rows = self._rows
        wishes = self._wished()[rows]
        shown = np.minimum(self._policy.bounds[rows], wishes)
        full = (shown == wishes).all(axis=1)
        sound = ~full & (shown == NOTHING).all(axis=1)
        return {"full": int(full.sum()), "reduced": int((~full & ~sound).sum()), "sound": int(sound.sum())}

    def links(self) -> dict[str, npt.NDArray[np.float64]]:
        """What is known of viewers' links now, a value a viewer of whom it is known: `estimate_bps`, `queue_ms`, `rtt_ms` and
        `loss` (0 to 1).

        Raises:
            RuntimeError: the plane stopped.
        """
        self._index()
        _, rows = np.unique((snapshot := self._plane.snapshot())["peer"], return_index=True)
        ours = snapshot[rows[np.isin(snapshot["peer"][rows], self._peers)]]
        fields = {"estimate_bps": "estimate_bps", "queue_ms": "queue_ms", "rtt_ms": "link_rtt_ms", "loss": "link_loss"}
        return {name: (known := ours[field])[~np.isnan(known)] for name, field in fields.items()}

    def add(self, peer: int, on_bounds: Callable[[Bounds], None]) -> Viewer:
        """A viewer begins. `on_bounds` is called with the best that each video slot may show, when that changes."""
        viewer = Viewer(peer, self._policy.add(), on_bounds)
        missing = self._policy.rows - len(self._shown)
        if missing:
            self._shown = np.concatenate([self._shown, np.zeros((missing, SLOTS), np.intp)])
            self._wishes = np.concatenate([self._wishes, np.full((missing, SLOTS), NOTHING, np.int8)])
        self._protection.reset(viewer.row)
        self._viewers[peer] = self._by_row[viewer.row] = viewer
        self._indexed = False
        return viewer

    def remove(self, viewer: Viewer) -> None:
        """A viewer ends. Idempotent."""
        if viewer.peer not in self._viewers:
            return
        for slot in VIDEO_SLOTS:
            self.wish(viewer, slot, None, NOTHING)
        self._policy.remove(viewer.row)
        self._unsaid.discard(viewer.row)
        del self._viewers[viewer.peer], self._by_row[viewer.row]
        self._indexed = False

    def wish(self, viewer: Viewer, slot: str, source: int | None, encoding: int | None) -> None:
        """`slot` is to show `source`, at best at `encoding` (None: all of it); other slots than those of video are passed over."""
        if slot not in VIDEO_SLOTS:
            return
        place = (viewer.row, VIDEO_SLOTS.index(slot))
        before = self._watched.pop(place, None)
        if source is not None:
            self._watched[place] = source
            watched = self._sources.get(source) or self._watch(source)
            watched.watchers += 1
            self._shown[place] = watched.row
        else:
            self._shown[place] = 0
        wish = UNBOUND if encoding is None else level_of(encoding)
        self._wishes[place] = NOTHING if source is None else wish
        if source != before and self._policy.bounds[place] < UNBOUND:
            self._unsaid.add(viewer.row)
        if before is not None:
            self._unwatch(before)

    def run(self, now: float) -> None:
        """One pass; call it every `PolicyConfig.interval_s` with a monotonic clock.

        Raises:
            RuntimeError: the plane stopped.
        """
        if not self._viewers:
            return
        self._index()
        for source in list(self._sources)[:SOURCES_A_PASS]:
            self._measure(source, now)
        links = self._links()
        wished, rates = self._wished(), self._rates[self._shown]
        for row in self._protection.decide(now, links, self._policy.pictures_bps(rates, wished)).tolist():
            if viewer := self._by_row.get(row):
                self._plane.protect(viewer.peer, **self._protection.of(row))
        room, costs = self._room(links.estimate, rates), self._protection.costs(rates)
        changed = self._policy.decide(now, room, links, self._protection.loss, costs, wished)
        if len(changed) or self._unsaid:
            rows, self._unsaid = self._unsaid.union(changed.tolist()), set()
            for row in rows:
                if viewer := self._by_row.get(row):
                    self._plane.want_bitrate(viewer.peer, self._wanted(row, wished[row]))
                    viewer.on_bounds(self._bounds(row))

    def _room(self, estimates: npt.NDArray[np.float64], rates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What copies and repairs leave of each estimate. Those of pictures become fewer with them, so they alone do not take the least
        picture away; copies of sound may."""
        overhead, config = self._protection.overhead, self._config
        least = overhead.costs_of_least(rates).min(axis=1) * config.overhead + config.audio_bps
        of_sound = estimates - overhead.audio_bps
        room: npt.NDArray[np.float64] = np.maximum(estimates - overhead.bps, np.minimum(of_sound, least))
        return room

    def _wished(self) -> npt.NDArray[np.int8]:
        """The best that is wanted and that there is, by row and slot."""
        return np.minimum(self._wishes, self._tops[self._shown])

    def _bounds(self, row: int) -> Bounds:
        bounds: dict[str, Bound | None] = {}
        for column, (slot, level) in enumerate(zip(VIDEO_SLOTS, self._policy.bounds[row].tolist(), strict=True)):
            source = self._watched.get((row, column))
            rates = self._sources[source].rates if source is not None else _ANY
            bounds[slot] = rates.bound(level) if level < UNBOUND else None
        return bounds

    def _wanted(self, row: int, wishes: npt.NDArray[np.int8]) -> int:
        """Bit/s that a viewer needs for all that it wishes, 0 where it has that."""
        if (self._policy.bounds[row] >= wishes).all():
            return 0
        shown = wishes >= 0
        needed = self._rates[self._shown[row][shown], wishes[shown]].sum() * (
            1 + self._protection.overhead.repaired[row]
        )
        sound = self._config.audio_bps + self._protection.overhead.audio_bps[row]
        return int((needed * self._config.rise * self._config.overhead + sound) * PROBE_BEYOND)

    def _links(self) -> Links:
        """What the plane tells, by row. All sinks of a peer tell the same."""
        snapshot, links = self._plane.snapshot(), Links.unknown(self._policy.rows)
        rows, ours = self._places(snapshot)
        links.estimate[rows] = snapshot["estimate_bps"][ours]
        links.loss[rows] = snapshot["link_loss"][ours]
        links.missed[rows] = snapshot["link_missed"][ours]
        links.queue_ms[rows] = snapshot["queue_ms"][ours]
        links.rtt_ms[rows] = snapshot["link_rtt_ms"][ours]
        links.run_ms[rows] = snapshot["lost_run_ms"][ours]
        links.copied[rows] = snapshot["copied_bytes"][ours]
        links.contended[rows] = snapshot["contended"][ours] > 0
        links.pushed_aside[rows] = snapshot["pushed_aside"][ours] > 0
        return links

    def _places(self, snapshot: npt.NDArray[np.void]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """The viewers' rows that lines of the snapshot belong to, and which lines those are."""
        places = np.searchsorted(self._peers, snapshot["peer"]).clip(max=len(self._peers) - 1)
        ours = self._peers[places] == snapshot["peer"]
        return self._rows[places[ours]], ours

    def _measure(self, source: int, now: float) -> None:
        watched = self._sources.pop(source)
        self._sources[source] = watched  # at the end of those to be measured
        changed = watched.rates.measure(self._plane.source_stats(source), now)
        self._rates[watched.row], self._tops[watched.row] = watched.rates.levels(), watched.rates.top
        if changed:
            viewers = (row for (row, column), shown in self._watched.items() if shown == source)
            self._unsaid.update(row for row in viewers if self._policy.bounds[row].min() < UNBOUND)

    def _watch(self, source: int) -> _Watched:
        if not self._free:
            self._free.append(len(self._rates))
            self._rates = np.concatenate([self._rates, np.full((1, LEVELS), np.inf)])
            self._tops = np.concatenate([self._tops, np.full(1, UNBOUND, np.int8)])
        watched = self._sources[source] = _Watched(self._free.pop())
        self._rates[watched.row], self._tops[watched.row] = watched.rates.levels(), watched.rates.top
        return watched

    def _unwatch(self, source: int) -> None:
        watched = self._sources[source]
        watched.watchers -= 1
        if not watched.watchers:
            self._free.append(watched.row)
            del self._sources[source]

    def _index(self) -> None:
        if self._indexed:
            return
        self._indexed = True
        peers = np.fromiter(self._viewers, np.uint32, len(self._viewers))
        order = np.argsort(peers)
        rows = np.fromiter((viewer.row for viewer in self._viewers.values()), np.intp, len(self._viewers))
        self._peers, self._rows = peers[order], rows[order]
