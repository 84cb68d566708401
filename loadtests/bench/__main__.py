"""CPU microseconds a forwarded packet: the plane, the floor of bare sends, and a pure-Python loop, in one run.

All three serve the same subscribers on loopback, with the same frames in the same rhythm, in turn, each on a CPU of its
own. What is told is the median of all rounds. The last line is one JSON object.

On loopback the sender also pays for delivery to the receiving sockets, all three alike. Where `packets/send` is far above
the 2.4 of the stream, bursts waited for one another and were joined, so the plane may cost less than the floor.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from loadtests.bench import floor
from loadtests.bench.contender import Sample
from loadtests.bench.floor import FloorContender
from loadtests.bench.plane import PlaneContender
from loadtests.bench.python_loop import PythonContender
from loadtests.bench.subscribers import Sinks

REFERENCE_SUBSCRIBERS = 100
HEADLINE = ("ratio_to_floor", "ratio_to_python", "packets_per_core_s")
"""Told by themselves for `REFERENCE_SUBSCRIBERS`. Ratios are the plane's cost divided by the other's."""

WARM_UP_S = 0.3
CONTENDERS: dict[str, Callable[..., AbstractContextManager[Any]]] = {
    "plane": PlaneContender,
    "floor": FloorContender,
    "python": PythonContender,
}


def main() -> None:
    """Measure, print the table, and end."""
    options = _options()
    floor.build()
    rows = []
    print(HEADER, flush=True)
    for subscribers in options.subscribers:
        row = _row(subscribers, _measure(subscribers, options))
        rows.append(row)
        print(_line(row), flush=True)
    headline = [row for row in rows if row["subscribers"] == REFERENCE_SUBSCRIBERS]
    result = {name: row[name] for row in headline for name in HEADLINE}
    print(json.dumps(result | {"rows": rows}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--subscribers", type=_numbers, default=[1, 10, 100], metavar="N,N,…", help="rows of the table")
    parser.add_argument("--rounds", type=int, default=5, help="rounds whose median is told (default 5)")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of a round of one contender (default 1.5)")
    parser.add_argument(
        "--speed", type=float, default=10.0, help="how many times faster than it plays the stream is sent (default 10)"
    )
    parser.add_argument(
        "--spread-ms", type=float, default=0.0, help="time between two packets of a frame as they arrive (default 0)"
    )
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _measure(subscribers: int, options: argparse.Namespace) -> dict[str, list[Sample]]:
    """The samples of every contender, taken in turn so that all meet the same machine."""
    with ExitStack() as stack:
        sinks = stack.enter_context(Sinks(subscribers))
        speed = _speed(subscribers, options.speed)
        contenders = {
            name: stack.enter_context(make(sinks, speed=speed, spread_s=options.spread_ms / 1e3))
            for name, make in CONTENDERS.items()
        }
        for contender in contenders.values():
            contender.run(WARM_UP_S)
        samples: dict[str, list[Sample]] = {name: [] for name in contenders}
        for _ in range(options.rounds):
            for name, contender in contenders.items():
                samples[name].append(contender.run(options.seconds))
        return samples


def _speed(subscribers: int, asked: float) -> float:
    """As asked, but not so fast that bursts wait for one another: joined to fewer sends they look cheaper than they are."""
    return max(1.0, min(asked, CALM_PACKETS_PER_S / (STREAM_PACKETS_PER_S * subscribers)))


def _row(subscribers: int, samples: dict[str, list[Sample]]) -> dict[str, Any]:
    cost = {name: statistics.median(sample.us_a_packet for sample in taken) for name, taken in samples.items()}
    return {
        "subscribers": subscribers,
        "plane_us": round(cost["plane"], 3),
        "floor_us": round(cost["floor"], 3),
        "python_us": round(cost["python"], 3),
        "ratio_to_floor": round(cost["plane"] / cost["floor"], 3),
        "ratio_to_python": round(cost["plane"] / cost["python"], 4),
        "packets_per_core_s": round(1e6 / cost["plane"]),
        "packets_a_send_floor": round(statistics.median(sample.packets_a_send for sample in samples["floor"]), 2),
        "packets_a_send": round(statistics.median(sample.packets_a_send for sample in samples["plane"]), 2),
        "variation": round(_variation([sample.us_a_packet for sample in samples["plane"]]), 3),
        "missing": sum(sample.missing for sample in samples["plane"]),
    }


def _variation(values: Sequence[float]) -> float:
    """How far the rounds lie apart: (largest - smallest) / median."""
    return (max(values) - min(values)) / statistics.median(values)


STREAM_PACKETS_PER_S = 200
"""About what one publisher sends: 30 frames of five packets, and 50 of audio."""

CALM_PACKETS_PER_S = 40_000
"""Sent packets that leave a core idle most of the time."""

COLUMNS = [
    ("subscribers", "subscribers", "d"),
    ("plane_us", "plane µs", ".2f"),
    ("floor_us", "floor µs", ".2f"),
    ("python_us", "python µs", ".2f"),
    ("ratio_to_floor", "plane/floor", ".2f"),
    ("ratio_to_python", "plane/python", ".3f"),
    ("packets_per_core_s", "packets/core/s", ",d"),
    ("packets_a_send", "packets/send", ".2f"),
    ("variation", "variation", ".0%"),
    ("missing", "missing", "d"),
]
HEADER = "  ".join(title for _, title, _ in COLUMNS)


def _line(row: dict[str, Any]) -> str:
    return "  ".join(f"{row[name]:>{len(title)}{form}}" for name, title, form in COLUMNS)


if __name__ == "__main__":
    main()
