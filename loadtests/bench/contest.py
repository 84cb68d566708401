"""Rows of the table of costs: all contenders serve the same subscribers with the same frames, in turn."""

import statistics
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any

from loadtests.bench.contender import Sample
from loadtests.bench.floor import FloorContender
from loadtests.bench.network import Network
from loadtests.bench.plane import PlaneContender
from loadtests.bench.python_loop import PythonContender
from loadtests.bench.stream import PACKETS_PER_S
from loadtests.bench.subscribers import Sinks

WARM_UP_S = 0.3

CALM_PACKETS_PER_S = 50_000
"""Sent packets a second that each contender has time for, the slowest too: bursts that wait for one another are joined to
fewer sends, and look cheaper than they are."""

CONTENDERS: dict[str, Callable[..., AbstractContextManager[Any]]] = {
    "plane": PlaneContender,
    "floor": FloorContender,
    "python": PythonContender,
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """How to measure.

    rounds: rounds of each contender whose median is told.
    seconds: length of a round.
    speed: how many times faster than it plays the stream is sent, at most; see `CALM_PACKETS_PER_S`.
    spread_s: time between two packets of a frame as they arrive.
    """

    rounds: int
    seconds: float
    speed: float
    spread_s: float


def measure(subscribers: int, network: Network, options: Options) -> Row:
    """The cost at a number of subscribers."""
    with ExitStack() as stack:
        speed = min(options.speed, CALM_PACKETS_PER_S / (PACKETS_PER_S * subscribers))
        with network.connecting():
            sinks = stack.enter_context(Sinks(subscribers, network))
            contenders = {
                name: stack.enter_context(make(sinks, speed=speed, spread_s=options.spread_s))
                for name, make in CONTENDERS.items()
            }
        for contender in contenders.values():
            contender.run(WARM_UP_S)
        samples: dict[str, list[Sample]] = {name: [] for name in contenders}
        for _ in range(options.rounds):
            for name, contender in contenders.items():
                samples[name].append(contender.run(options.seconds))
    return _row(subscribers, network, samples)


def _row(subscribers: int, network: Network, samples: dict[str, list[Sample]]) -> Row:
    cost = {name: statistics.median(sample.us_a_packet for sample in taken) for name, taken in samples.items()}
    return {
        "network": network.name,
        "subscribers": subscribers,
        "plane_us": round(cost["plane"], 3),
        "floor_us": round(cost["floor"], 3),
        "python_us": round(cost["python"], 3),
        "ratio_to_floor": round(cost["plane"] / cost["floor"], 3),
        "ratio_to_python": round(cost["python"] / cost["plane"], 2),
        "packets_per_core_s": round(1e6 / cost["plane"]),
        "packets_a_send_floor": round(statistics.median(sample.packets_a_send for sample in samples["floor"]), 2),
        "packets_a_send": round(statistics.median(sample.packets_a_send for sample in samples["plane"]), 2),
        "variation": round(_variation([sample.us_a_packet for sample in samples["plane"]]), 3),
        "missing": sum(sample.missing for sample in samples["plane"]),
    }


def _variation(values: Sequence[float]) -> float:
    """How far the rounds lie apart: (largest - smallest) / median."""
    return (max(values) - min(values)) / statistics.median(values)


COLUMNS = [
    ("network", "network ", "s"),
    ("subscribers", "subscribers", "d"),
    ("plane_us", "plane µs", ".2f"),
    ("floor_us", "floor µs", ".2f"),
    ("python_us", "python µs", ".2f"),
    ("ratio_to_floor", "plane ÷ floor", ".2f"),
    ("ratio_to_python", "python ÷ plane", ".2f"),
    ("packets_per_core_s", "packets/core/s", ",d"),
    ("packets_a_send", "packets/send", ".2f"),
    ("variation", "variation", ".0%"),
    ("missing", "missing", "d"),
]
HEADER = "  ".join(title for _, title, _ in COLUMNS)


def line(row: Row) -> str:
    """A row under `HEADER`."""
    return "  ".join(f"{row[name]:>{len(title)}{form}}" for name, title, form in COLUMNS)
