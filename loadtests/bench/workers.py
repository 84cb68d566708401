"""One worker against several: what each forwards for a CPU second, and the most that all forward together.

The same plane, the same subscribers and the same stream, in turn. Each worker runs on a CPU of its own as far as there are
any. Two ways to compare, because a machine that does other things too takes wall time from whoever it likes:

- at a calm, equal load: packets for each CPU second of each worker. Their sum is what the workers would forward, each
  on a free core; divided by the same of one worker it is `ratio_cpu`. The mirrors' work is in it.
- at the limit: the load is raised step by step until less than 98 % comes out. The highest rate that did is told by wall
  time; two workers divided by one are `ratio_wall`. `busy_at_highest_by_worker` is the part of the time that each worker
  had a CPU then: far below 1 it waited for one, and the machine was measured rather than the plane.

The last line is one JSON object.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from livetrial_plane import Plane
from loadtests.bench.cpu import cpu_ns, pin, thread_named
from loadtests.bench.generator import Generator
from loadtests.bench.plane import PUBLISHER, PlaneSession
from loadtests.bench.srtp import Key
from loadtests.bench.subscribers import Sinks, check

WARM_UP_S = 0.5
SUSTAINED = 0.98
"""Part of what should come out that must, for a rate to count."""
TRIES = 3
"""How often a step to a higher rate is tried."""
SETTLE_S = 0.5
"""Nothing came out for so long: nothing more will. Longer than a busy machine keeps a thread waiting."""


@dataclass(frozen=True)
class Sample:
    """One round. Lists have an entry a worker."""

    wall_s: float
    cpu_s: list[float]
    packets: list[int]
    expected: int

    @property
    def per_cpu_s(self) -> list[float]:
        """Packets that each worker sent for a CPU second of its own."""
        return [packets / cpu for packets, cpu in zip(self.packets, self.cpu_s, strict=True) if cpu]

    @property
    def per_wall_s(self) -> float:
        """Packets that all sent in a second."""
        return sum(self.packets) / self.wall_s

    @property
    def share(self) -> float:
        """Part of what should have come out that did."""
        return sum(self.packets) / self.expected


class Session:
    """A plane of so many workers, one publisher, and a video and an audio sink for each subscriber.

    speed: how many times faster than it plays the stream is sent.
    """

    def __init__(self, workers: int, sinks: Sinks, *, speed: float) -> None:
        self._subscribers = len(sinks.sockets)
        self._plane = Plane(host="127.0.0.1", workers=workers, liveness_timeout_s=3600.0)
        # Once a worker answers it has named itself.
        self._plane.stats()
        self._threads = [thread_named(f"plane-{worker}") for worker in range(workers)]
        cpus = sorted(os.sched_getaffinity(0))
        for worker, thread in enumerate(self._threads):
            pin(thread, cpus[worker % len(cpus)])
        publisher = Key()
        PlaneSession(self._plane, publisher).subscribe(sinks.sockets)
        first = check(f"ufrag{PUBLISHER}")
        self._generator = Generator(self._plane.port, publisher, speed=speed, first=first)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._generator.__exit__()
        self._plane.close()

    def run(self, seconds: float) -> Sample:
        """Forward for that long."""
        before, cpu_before, begin = self._sent(), self._cpu_ns(), time.monotonic()
        expected = self._generator.run(seconds) * self._subscribers
        after, end = self._settled(sum(before) + expected)
        cpu = [(now - then) / 1e9 for then, now in zip(cpu_before, self._cpu_ns(), strict=True)]
        packets = [now - then for then, now in zip(before, after, strict=True)]
        return Sample(wall_s=end - begin, cpu_s=cpu, packets=packets, expected=expected)

    def _settled(self, expected: int) -> tuple[list[int], float]:
        """What was sent when all was, or nothing more came; and when that was."""
        sent, changed = self._sent(), time.monotonic()
        while sum(sent) < expected and time.monotonic() < changed + SETTLE_S:
            time.sleep(0.005)
            if (now := self._sent()) != sent:
                sent, changed = now, time.monotonic()
        return sent, changed

    def _sent(self) -> list[int]:
        return [stats["rtp_sent"] for stats in self._plane.worker_stats()]

    def _cpu_ns(self) -> list[int]:
        return [cpu_ns(thread) for thread in self._threads]


def main() -> None:
    """Measure, print the table, and end."""
    options = _options()
    with Sinks(options.subscribers) as sinks:
        calm = _calm(options, sinks)
        rows = [_row(workers, samples, _highest(workers, sinks, options)) for workers, samples in calm.items()]
    print(HEADER)
    for row in rows:
        print(_line(row))
    result = {"subscribers": options.subscribers, "cpus": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0]}
    first, *others = rows
    for row in others:
        row["ratio_cpu"] = round(row["packets_per_cpu_s"] / first["packets_per_cpu_s"], 3)
        row["ratio_wall"] = round(row["highest_packets_s"] / first["highest_packets_s"], 3)
    best = {name: max((row[name] for row in others), default=None) for name in ("ratio_cpu", "ratio_wall")}
    print(json.dumps(result | best | {"rows": rows}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench.workers", description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=_numbers, default=[1, 2], metavar="N,N,…", help="rows (default 1,2)")
    parser.add_argument("--subscribers", type=int, default=1000, help="of one publisher (default 1000)")
    parser.add_argument("--rounds", type=int, default=5, help="calm rounds whose median is told (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a round (default 2)")
    parser.add_argument("--speed", type=float, default=0.5, help="speed of the calm rounds (default 0.5 of real time)")
    parser.add_argument("--step", type=float, default=1.15, help="factor between two speeds on the way to the limit")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _calm(options: argparse.Namespace, sinks: Sinks) -> dict[int, list[Sample]]:
    """Samples of every number of workers at the same load, in turn so that all meet the same machine."""
    samples: dict[int, list[Sample]] = {workers: [] for workers in options.workers}
    for _ in range(options.rounds):
        for workers, taken in samples.items():
            with Session(workers, sinks, speed=options.speed) as session:
                session.run(WARM_UP_S)
                taken.append(session.run(options.seconds))
    return samples


def _highest(workers: int, sinks: Sinks, options: argparse.Namespace) -> Sample:
    """The round with the highest rate that still came out whole. A step that fails is tried again: the CPU may have been taken."""
    best: Sample | None = None
    speed, failed = options.speed, 0
    while best is None or failed < TRIES:
        with Session(workers, sinks, speed=speed) as session:
            session.run(WARM_UP_S)
            sample = session.run(options.seconds)
        # Where the workers are too slow, what the socket buffers took makes the round longer and not its rate higher.
        if best is None or (sample.share >= SUSTAINED and sample.per_wall_s > best.per_wall_s):
            best, failed = sample, 0
            speed *= options.step
        else:
            failed += 1
    return best


def _row(workers: int, samples: Sequence[Sample], highest: Sample) -> dict[str, Any]:
    by_worker = zip(*(sample.per_cpu_s for sample in samples), strict=True)
    per_cpu_s = [statistics.median(rates) for rates in by_worker]
    cpu = zip(*(sample.cpu_s for sample in samples), strict=True)
    return {
        "workers": workers,
        "packets_per_cpu_s": round(sum(per_cpu_s)),
        "highest_packets_s": round(highest.per_wall_s),
        "lost": round(1 - statistics.median(sample.share for sample in samples), 4),
        "packets_per_cpu_s_by_worker": [round(rate) for rate in per_cpu_s],
        "cpu_s_by_worker": [round(statistics.median(times), 3) for times in cpu],
        "busy_at_highest_by_worker": [round(cpu / highest.wall_s, 2) for cpu in highest.cpu_s],
    }


COLUMNS = [
    ("workers", "workers", "d"),
    ("packets_per_cpu_s", "packets/CPU s, summed", ",d"),
    ("highest_packets_s", "highest packets/s", ",d"),
    ("lost", "lost at calm", ".1%"),
]
HEADER = "  ".join(title for _, title, _ in COLUMNS)


def _line(row: dict[str, Any]) -> str:
    return "  ".join(f"{row[name]:>{len(title)}{form}}" for name, title, form in COLUMNS)


if __name__ == "__main__":
    main()
