"""Curves out of a take, in s since the case began: capacity, links as the plane sees them, pages as the browser does."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from loadtests.link.config import Steps, Trace
from loadtests.weak.run import Take, rate_series
from loadtests.weak.svc import LAYERS

Numbers = npt.NDArray[np.float64]


@dataclass
class Links:
    """What the plane knew of one member. `lasts`: s until the next sample, which changes bring sooner. `estimate`: bit/s, NaN:
    nothing. `encoding`: -1: no picture; in SVC it is the highest spatial layer sent. `temporal`: the highest layer sent, 0 without
    a picture. `sent`: bit/s."""

    at: Numbers
    lasts: Numbers
    estimate: Numbers
    encoding: npt.NDArray[np.intp]
    temporal: npt.NDArray[np.intp]
    sent: Numbers


@dataclass
class Page:
    """What one member's page noted. `shown`: when pictures were."""

    at: Numbers
    samples: list[dict[str, Any]]
    shown: Numbers

    def values(self, kind: str, name: str) -> Numbers:
        """One of its counters, over time."""
        return np.array([float((sample[kind] or {}).get(name) or 0.0) for sample in self.samples])

    def gained(self, kind: str, name: str) -> float:
        """How much a counter grew; a page that was opened anew begins at 0."""
        return float(np.maximum(np.diff(self.values(kind, name)), 0.0).sum())


@dataclass(frozen=True)
class Stall:
    """The machine stood still: nothing came when it was due. `at_s`: since the case began, negative before; `ms`: how long."""

    at_s: float
    ms: float


def longest_stall(take: Take) -> Stall | None:
    """Of those that the link or the host noticed by its own clock, from the first packet on: members who join are part of some figures."""
    since = int(take.log["arrived"].min()) if len(take.log) else take.began
    counted = [
        Stall((stall["at_ns"] - take.began) / 1e9, stall["late_ns"] / 1e6)
        for stall in take.late.get("stalls", ())
        if stall["at_ns"] + stall["late_ns"] >= since and stall["at_ns"] <= take.ended
    ]
    return max(counted, key=lambda stall: stall.ms, default=None)


def capacity(take: Take, at: Numbers) -> Numbers:
    """Bit/s that the way down lets through: of its bottleneck, and no more than its policer's."""
    policer = take.case.down.policer
    return np.minimum(bottleneck(take, at), policer.rate if policer else np.inf)


def bottleneck(take: Take, at: Numbers) -> Numbers:
    """Bit/s at which packets go onto the way down."""
    rate = take.case.down.rate
    steps = rate_series(rate)
    times = np.array([time for time, _ in steps])
    rates = np.array([bps for _, bps in steps])
    if isinstance(rate, Trace) and rate.repeat:
        at = at % (2 * times[-1] - times[-2])
    elif isinstance(rate, Steps) and rate.repeat_s:
        at = at % rate.repeat_s
    places = np.searchsorted(times, at, side="right") - 1
    return rates[np.maximum(places, 0)]


def links(take: Take) -> list[Links]:
    """By member, in the order in which they came; one who came back is another."""
    by_peer: dict[int, list[tuple[float, dict[str, Any]]]] = {}
    for sample in take.plane:
        at = (sample["t"] - take.began) / 1e9
        if 0 <= at <= (take.ended - take.began) / 1e9:
            for peer in {row["peer"] for row in sample["rows"]}:
                by_peer.setdefault(peer, []).append((at, _picture(sample["rows"], peer, layered=take.case.svc)))
    video = _video_sources(take)
    return [_links(rows, video) for _, rows in sorted(by_peer.items())]


def pages(take: Take) -> list[Page]:
    """By member."""
    return [_page(take, page) for page in take.pages]


def media_ssrcs(records: npt.NDArray[np.void]) -> list[int]:
    """Of one flow: its picture's and its sound's; what else there is repairs or pads. Sound is what comes 50 times a second."""
    ssrcs, counts = np.unique(records["ssrc"], return_counts=True)
    by_octets = sorted(ssrcs, key=lambda ssrc: -int(records["octets"][records["ssrc"] == ssrc].sum()))
    types = {ssrc: int(np.bincount(records["detail"][records["ssrc"] == ssrc]).argmax()) for ssrc in ssrcs}
    sound = [ssrc for ssrc in by_octets if types[ssrc] in (63, 109, 110, 111, 101, 115)]
    picture = [ssrc for ssrc in by_octets if types[ssrc] in (96, 120, 98)]  # VP8, and VP9 in Chromium
    del counts
    return [int(ssrc) for ssrc in (*picture[:1], *sound[:1])]


def _page(take: Take, page: dict[str, Any]) -> Page:
    zero = take.began / 1e6 + take.unix_less_monotonic_ms
    length = (take.ended - take.began) / 1e9
    samples = [sample for sample in page["samples"] if 0 <= (sample["t"] - zero) / 1e3 <= length]
    at = np.array([(sample["t"] - zero) / 1e3 for sample in samples])
    shown = (np.array(page["shown"], float) - zero) / 1e3
    return Page(at, samples, shown[(shown >= 0) & (shown <= length)])


def _picture(rows: list[dict[str, Any]], peer: int, *, layered: bool) -> dict[str, Any]:
    """All rows of a peer as one: its link, and what each sink shows."""
    own = [row for row in rows if row["peer"] == peer]
    return {
        **own[0],
        "shows": {row["source"]: (_size(row) if layered else row["encoding"], _temporal(row)) for row in own},
    }


def _temporal(row: dict[str, Any]) -> int:
    return min(int(row["temporal"]), LAYERS - 1) if row["encoding"] >= 0 else 0


def _size(row: dict[str, Any]) -> int:
    return min(int(row["spatial"]), LAYERS - 1) if row["encoding"] >= 0 else -1


def _video_sources(take: Take) -> set[int]:
    """The largest of those of which some sink has shown more than the lowest encoding, or none, which sound never does; else of all."""
    octets: dict[int, int] = {}
    shown: dict[int, set[int]] = {}
    for sample in take.plane:
        for row in sample["rows"]:
            shown.setdefault(row["source"], set()).add(row["encoding"])
    for before, after in pairwise(take.plane[:: max(1, len(take.plane) // 50)]):
        had = {row["sink"]: row["bytes"] for row in before["rows"]}
        for row in after["rows"]:
            octets[row["source"]] = octets.get(row["source"], 0) + max(0, row["bytes"] - had.get(row["sink"], 0))
    chosen_from = [source for source in octets if shown[source] != {0}] or list(octets)
    return {max(chosen_from, key=lambda source: octets[source])} if octets else set()


def _links(rows: list[tuple[float, dict[str, Any]]], video: set[int]) -> Links:
    at = np.array([moment for moment, _ in rows])
    estimate = np.array([row["estimate_bps"] if row["estimate_bps"] is not None else np.nan for _, row in rows], float)
    shows = [next((shown for source, shown in row["shows"].items() if source in video), (-1, 0)) for _, row in rows]
    encoding, temporal = np.array(shows, np.intp).reshape(-1, 2).T
    octets = np.array([row["link_bytes"] for _, row in rows], float)
    sent = np.zeros(len(at))
    window = 10
    if len(at) > window:
        sent[window:] = (octets[window:] - octets[:-window]) * 8 / np.maximum(at[window:] - at[:-window], 1e-3)
    # Of the last one nobody knows: as long as the one before.
    lasts = np.diff(at, append=2 * at[-1] - at[-2]) if len(at) > 1 else np.ones(len(at))
    return Links(at, lasts, estimate, encoding, temporal, sent)
