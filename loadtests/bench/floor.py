"""The floor: one AES-128-GCM seal a packet and bare sends with segmentation offload, nothing else."""

import json
import subprocess
from pathlib import Path
from typing import Self

from loadtests.bench.contender import Sample
from loadtests.bench.cpu import measured_cpu
from loadtests.bench.stream import bursts
from loadtests.bench.subscribers import Sinks

WORKSPACE = Path(__file__).parents[2] / "media" / "plane"
COMMAND = ["cargo", "run", "--release", "--quiet", "--package", "plane-net", "--example", "floor"]

HEADER_OCTETS = 12 + 12
"""RTP header, and a block of two header extensions as the plane writes it for these subscribers."""


class FloorContender:
    """Sends what the plane sends, in the same rhythm, without receiving anything."""

    def __init__(self, sinks: Sinks, *, speed: float, spread_s: float) -> None:
        del (
            spread_s
        )  # What the plane forwards separately because it came separately is one send here: that is the floor.
        self._sinks, self._speed = sinks, speed
        self._bursts, self._media_s = bursts(), 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def run(self, seconds: float) -> Sample:
        """Send for that long, going on where the last run ended."""
        network = self._sinks.network
        ports = (str(port) for _, port in self._sinks.addresses)
        lines = [f"{measured_cpu()} {network.server} {network.subscribers} {' '.join(ports)}"]
        begin_s = self._media_s
        while self._media_s < begin_s + seconds * self._speed:
            burst = next(self._bursts)
            self._media_s = burst.at_s
            sizes = (HEADER_OCTETS + len(payload) for payload in burst.payloads)
            lines.append(f"{round((burst.at_s - begin_s) / self._speed * 1e6)} {' '.join(map(str, sizes))}")
        output = subprocess.run(
            COMMAND, cwd=WORKSPACE, input="\n".join(lines), capture_output=True, text=True, check=True
        ).stdout
        return Sample(**json.loads(output))


def build() -> None:
    """Build the floor's program.

    Raises:
        subprocess.CalledProcessError: the build failed; cargo has said why.
    """
    subprocess.run(["cargo", "build", *COMMAND[2:]], cwd=WORKSPACE, check=True)
