"""A livetrial server that also writes down what its plane knows of each viewer's link: `python -m loadtests.weak.sampled_server FILE`.

Settings are `LIVETRIAL_*` variables. A line of FILE is a JSON object: `t`, ns of the monotonic clock, and `rows`, the plane's
snapshot of the sinks that show something; `counters`, those of `COUNTERS`.
"""

import asyncio
import contextlib
import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt
import uvloop

from server.config import Settings
from server.node import Node
from server.run import serve, stop_on_signals

EVERY_S = 0.05

LOOKED_EVERY_S = 0.01
"""What is shown is looked at so often, and a change written down at once: goals of 300 ms are not read off samples 50 ms apart."""

SHOWN = ["sink", "source", "encoding", "spatial", "temporal"]
"""Of a row, what says what is shown."""

COUNTERS = (
    "keyframe_requests_received",
    "keyframe_requests_sent",
    "nack_received",
    "nack_obsolete",
    "nack_suppressed",
    "repairs_given_up",
    "paced_dropped",
    "cached_replays",
    "cached_stills",
    "switches",
)
"""What tells why a picture was not shown."""


class Sampler:
    """Writes samples down: one at least every `EVERY_S`, and one as soon as something else is shown.

    `out`: where the lines go.
    """

    def __init__(self, out: TextIO) -> None:
        self._out, self._due_ns = out, 0
        self._shown: list[object] = []

    def look(self, now_ns: int, snapshot: npt.NDArray[np.void], stats: Callable[[], Mapping[str, int]]) -> None:
        """Note the plane's snapshot, of `now_ns` of the monotonic clock, and what `stats` counts, if it is time."""
        before, self._shown = self._shown, snapshot[SHOWN].tolist()
        if now_ns < self._due_ns and self._shown == before:
            return
        self._due_ns = now_ns + round(EVERY_S * 1e9)
        names = snapshot.dtype.names or ()
        rows = [dict(zip(names, map(_plain, row.item()), strict=True)) for row in snapshot if row["source"]]
        counted = stats()
        counters = {name: counted[name] for name in COUNTERS}
        self._out.write(json.dumps({"t": now_ns, "rows": rows, "counters": counters}) + "\n")


async def _sample(node: Node, path: Path) -> None:
    with path.open("w", buffering=1) as file:
        sampler = Sampler(file)
        while True:
            await asyncio.sleep(LOOKED_EVERY_S)
            sampler.look(time.monotonic_ns(), node.media.snapshot(), node.media.stats)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


async def _run(path: Path) -> None:
    tasks: list[asyncio.Task[None]] = []

    def on_ready(node: Node, port: int) -> None:
        print(f"livetrial is ready at http://127.0.0.1:{port}", flush=True)
        tasks.append(asyncio.create_task(_sample(node, path)))

    await serve(Settings(), on_ready=on_ready, stop=stop_on_signals())
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


if __name__ == "__main__":
    uvloop.run(_run(Path(sys.argv[1])))
