"""What a whole pass of the adaptation takes, with what it asks of the plane and tells it: `python -m loadtests.bench.passes`.

Every viewer has a video sink for each slot and two of audio in a real plane, and watches a host and a guest. What its link carries is made
up, because no reports come; `loadtests.bench.policy` measures the decision alone.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from livetrial_plane import Codec, Plane
from loadtests.bench.policy import LEAST_BPS, MOST_BPS, RATES
from media.adaptation import Adaptation, Bounds
from media.policy import UNBOUND, PolicyConfig
from media.views import VIDEO_SLOTS

HOST, GUEST, PUBLISHER, FIRST_VIEWER = 1, 2, 1, 10
PASSES = 40

_IDS = {"mid": 4, "transport-cc": 3, "abs-send-time": 2}
_VIDEO = [Codec("VP8", 96, clock_rate=90_000, rtx_payload_type=97)]
_AUDIO = [Codec("opus", 111, clock_rate=48_000)]


class Told:
    """A plane whose snapshots tell of links: `share` of them carry something else at each."""

    def __init__(self, plane: Plane, viewers: int) -> None:
        self._plane = plane
        self._random = np.random.default_rng(1)
        self._estimates = self._drawn(viewers + FIRST_VIEWER)
        self.share = 0.0
        self.spent_s = 0.0
        """Processor time of filling in, which is not the pass's."""

    def snapshot(self) -> npt.NDArray[np.void]:
        """The plane's, filled in."""
        snapshot = self._plane.snapshot()
        began = time.thread_time()
        filled = snapshot.copy()
        changed = self._random.random(len(self._estimates)) < self.share
        self._estimates[changed] = self._drawn(int(changed.sum()))
        filled["estimate_bps"] = self._estimates[filled["peer"]]
        filled["link_loss"], filled["queue_ms"], filled["link_rtt_ms"] = 0.0, 5.0, 50.0
        self.spent_s = time.thread_time() - began
        return filled

    def _drawn(self, count: int) -> npt.NDArray[np.float64]:
        return self._random.uniform(LEAST_BPS, MOST_BPS, count)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plane, name)


class Fixed(Adaptation):
    """An adaptation that knows the rates of all sources."""

    def _measure(self, source: int, now: float) -> None:
        row = self._sources[source].row
        self._rates[row], self._tops[row] = RATES, UNBOUND


def main() -> None:
    """Measure, and print one JSON object: milliseconds of processor time a pass."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench.passes", description=__doc__)
    parser.add_argument("--viewers", type=int, default=3_000, help="default 3000")
    viewers = parser.parse_args().viewers
    plane = Plane(host="127.0.0.1")
    try:
        told = Told(plane, viewers)
        adaptation = Fixed(told, PolicyConfig())  # type: ignore[arg-type]
        _fill(plane, adaptation, viewers)
        figures = {f"{share:.0%}_of_links_change": _measure(told, adaptation, share) for share in (0.0, 0.1, 1.0)}
    finally:
        plane.close()
    print(json.dumps({"viewers": viewers, "pass_cpu_ms_median": figures}))


def _measure(told: Told, adaptation: Adaptation, share: float) -> float:
    told.share = share
    times = []
    for number in range(PASSES):
        began = time.thread_time()
        adaptation.run(1_000 * (1 + share) + number * PolicyConfig().interval_s)
        times.append((time.thread_time() - began - told.spent_s) * 1e3)
    return round(float(np.median(times[PASSES // 4 :])), 1)


def _fill(plane: Plane, adaptation: Adaptation, viewers: int) -> None:
    plane.add_peer(PUBLISHER, local_ufrag="publisher", local_pwd="p" * 24, extensions=_IDS)
    for source in (HOST, GUEST):
        rids = ["q", "h", "f"]
        plane.add_source(source, peer=PUBLISHER, kind="video", mid=str(source), codecs=_VIDEO, rids=rids, ssrcs=[])
    for peer in range(FIRST_VIEWER, FIRST_VIEWER + viewers):
        plane.add_peer(peer, local_ufrag=f"viewer{peer:08}", local_pwd="p" * 24, extensions=_IDS)
        for number, codecs in enumerate([_VIDEO] * len(VIDEO_SLOTS) + [_AUDIO] * 2):
            ssrc, rtx_ssrc = peer * 100 + number, peer * 100 + 50 + number if codecs is _VIDEO else 0
            plane.add_sink(
                peer * 10 + number, peer=peer, mid=str(number), ssrc=ssrc, rtx_ssrc=rtx_ssrc, cname="c", codecs=codecs
            )
        viewer = adaptation.add(peer, _router(plane, peer))
        adaptation.wish(viewer, "main", HOST, 2)
        adaptation.wish(viewer, "stage-1", GUEST, 0)


def _router(plane: Plane, peer: int) -> Callable[[Bounds], None]:
    """What a room does with bounds, at least."""

    def route(bounds: Bounds) -> None:
        for number, (slot, source) in enumerate({"main": HOST, "stage-1": GUEST}.items()):
            bound = bounds[slot]
            plane.route(peer * 10 + number, source, encoding=2 if bound is None else max(bound.encoding, 0))

    return route


if __name__ == "__main__":
    main()
