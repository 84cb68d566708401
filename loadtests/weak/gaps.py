"""Why pictures were late: each gap between two that were shown, and what happened before it in link, plane and browser."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from loadtests.link.packet_log import Fate
from loadtests.weak import series
from loadtests.weak.figures import downward
from loadtests.weak.run import Take
from loadtests.weak.series import Numbers, Page

LEAST_S = 0.15
"""Shorter gaps are nobody's freeze: libwebrtc counts from 150 ms above the mean on."""

BEFORE_S = 0.5
"""What made a gap happened so long before it at most: a queue, and a round trip."""

IN_PAGE = ("keyFramesDecoded", "pliCount", "framesDropped")


@dataclass(frozen=True)
class Gap:
    """Between two pictures of the first member, in s since the case began.

    Attributes:
        queue_ms: the longest wait of a packet in the link's queue.
        dropped: packets that the full queue dropped, or the policer before it.
        paced_octets: most that waited in the plane.
        page: what the page counted meanwhile: keyframes decoded, keyframes asked for, pictures dropped.
        plane: what the plane counted meanwhile; zeros are left out.
        layers: (encoding, spatial) sent in turn.
    """

    at: float
    seconds: float
    queue_ms: float
    dropped: int
    paced_octets: int
    page: dict[str, int]
    plane: dict[str, int]
    layers: list[tuple[int, int]]

    def __str__(self) -> str:
        counted = {**self.page, **self.plane}
        told = ", ".join(f"{name} {count}" for name, count in counted.items() if count)
        layers = " → ".join(f"{encoding}/{spatial}" for encoding, spatial in self.layers)
        return (
            f"{self.at:8.3f} s: {self.seconds * 1e3:4.0f} ms, queue {self.queue_ms:.0f} ms, {self.dropped} dropped before the wire, "
            f"{self.paced_octets} octets paced, sent {layers}{', ' if told else ''}{told}"
        )


def gaps(take: Take, least_s: float = LEAST_S) -> Iterator[Gap]:
    """Those of the first member that are longer than `least_s`, in their order."""
    page, media = series.pages(take)[0], downward(take)
    for before, after in pairwise(page.shown.tolist()):
        if after - before <= least_s:
            continue
        since = before - BEFORE_S
        meanwhile = (media.at >= since) & (media.at <= after)
        passed = meanwhile & (media.records["left"] > 0)
        plane = [sample for sample in take.plane if since <= (sample["t"] - take.began) / 1e9 <= after]
        rows = [max(sample["rows"], key=lambda row: row["bytes"]) for sample in plane if sample["rows"]]
        counters = [sample["counters"] for sample in plane if "counters" in sample]
        layers = [(row["encoding"], row["spatial"]) for row in rows]
        yield Gap(
            at=before,
            seconds=after - before,
            queue_ms=float(media.wait_ms[passed].max(initial=0.0)),
            dropped=int(np.isin(media.records["fate"][meanwhile], (Fate.QUEUE_FULL, Fate.POLICED)).sum()),
            paced_octets=max((row["paced_bytes"] for row in rows), default=0),
            page={name: _gained(page, name, since, after) for name in IN_PAGE},
            plane={name: counters[-1][name] - counters[0][name] for name in counters[0]} if counters else {},
            layers=[layer for number, layer in enumerate(layers) if number == 0 or layers[number - 1] != layer],
        )


def _gained(page: Page, name: str, since: float, until: float) -> int:
    """A picture is counted a sample later than it was shown."""
    values: Numbers = np.interp([since, until + 0.2], page.at, page.values("video", name))
    return round(float(values[1] - values[0]))
