"""What forwarding costs: the plane, the floor of bare sends, and a pure-Python loop, in one run.

CPU microseconds a forwarded packet. All three serve the same subscribers with the same frames in the same rhythm, in turn,
each on a CPU of its own; what is told is the median of all rounds. Two ratios, each with its direction in its title:

    ratio_to_floor    plane ÷ floor: 1 would be bare sends with offload and one AEAD seal, nothing else. Smaller is better.
    ratio_to_python   python ÷ plane: how many times cheaper than the pure-Python loop. Larger is better.

Networks: on `loopback` a sender also pays for delivery to the receiving sockets, which on a network the receivers' machines
do. `offload` sends through a device that cuts segmented sends itself and drops them, `software` through one for which the
kernel has to cut them; both need a network namespace, and are left out where there is none to be had.

Then residence times (see `residence.py`), memory a subscriber, and a decision of the policy. The last line is one JSON
object: the figures at 100 subscribers on loopback by their names, and everything in `rows`, `residence` and `growth`.
"""

import argparse
import json
import statistics
import subprocess
import sys
from typing import Any

from loadtests.bench import contest, floor, memory, policy, residence
from loadtests.bench.contest import Options, Row
from loadtests.bench.network import DEVICES, LOOPBACK, OWN_NETWORK, make_device

REFERENCE_SUBSCRIBERS = 100
MANY_SUBSCRIBERS = 3_000
POLICY_PASSES = 200
REFERENCE_SHARE = 0.5
"""Of a core, for the residence time that is told by itself."""

HEADLINE = ("ratio_to_floor", "ratio_to_python", "packets_per_core_s")
MEANING = {
    "ratio_to_floor": "plane µs / floor µs, loopback, 100 subscribers; goal at most 1.5",
    "ratio_to_python": "python µs / plane µs (times cheaper), loopback, 100 subscribers; goal at least 6",
    "packets_per_core_s": "1e6 / plane µs, loopback, 100 subscribers; goal 400,000",
    "residence_p99_ms": "at half a core, 100 subscribers; goal below 3",
    "kib_per_subscriber": "resident memory of the plane; goal at most 64",
    "policy_pass_ms": "one decision for 3,000 viewers of whom all links change, median; goal at most 5",
    "growth": "cost at 3,000 subscribers / cost at 100; goal at most 1.2",
}


def main() -> None:
    """Measure, print the tables, and end."""
    options = _options()
    floor.build()
    if options.network != LOOPBACK.name:
        print(json.dumps(_rows(options, make_device(options.network))))
        return
    print(contest.HEADER, flush=True)
    rows = _rows(options, LOOPBACK)
    for name in DEVICES if options.device_subscribers else ():
        rows += _in_own_network(name, options)
    result: dict[str, Any] = {}
    for row in rows:
        if row["subscribers"] == REFERENCE_SUBSCRIBERS and row["network"] == LOOPBACK.name:
            result |= {name: row[name] for name in HEADLINE}
    if not options.costs_only:
        result |= _memory_and_residence() | _policy_pass()
    print(json.dumps(result | _growth(rows) | {"rows": rows, "meaning": MEANING}, ensure_ascii=False))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--subscribers", type=_numbers, default=[1, 10, 100, 1000, 3000], metavar="N,N,…", help="rows of the table"
    )
    parser.add_argument(
        "--device-subscribers", type=_numbers, default=[100, 1000], metavar="N,N,…", help="rows of the other networks"
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds whose median is told (default 5)")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a round of one contender (default 1)")
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        help="how many times faster than it plays the stream is sent, at most (default 1)",
    )
    parser.add_argument(
        "--spread-ms", type=float, default=0.0, help="time between two packets of a frame as they arrive (default 0)"
    )
    parser.add_argument("--costs-only", action="store_true", help="neither memory nor residence times")
    parser.add_argument("--network", default=LOOPBACK.name, choices=[LOOPBACK.name, *DEVICES], help=argparse.SUPPRESS)
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",") if number]


def _rows(options: argparse.Namespace, network: contest.Network) -> list[Row]:
    how = Options(options.rounds, options.seconds, options.speed, options.spread_ms / 1e3)
    rows = []
    for subscribers in options.subscribers:
        rows.append(contest.measure(subscribers, network, how))
        # In another process standard output is for the rows themselves.
        table = sys.stdout if network is LOOPBACK else sys.stderr
        print(contest.line(rows[-1]), file=table, flush=True)
    return rows


def _in_own_network(name: str, options: argparse.Namespace) -> list[Row]:
    """The rows of this program in a network namespace; none, and the reason, where that cannot be had."""
    numbers = ",".join(map(str, options.device_subscribers))
    arguments = ["--network", name, "--subscribers", numbers, "--rounds", str(options.rounds)]
    arguments += [
        "--seconds",
        str(options.seconds),
        "--speed",
        str(options.speed),
        "--spread-ms",
        str(options.spread_ms),
    ]
    command = [*OWN_NETWORK, sys.executable, "-m", "loadtests.bench", *arguments]
    try:
        output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{name:>8}  left out: no network namespace with a device that drops ({error})", flush=True)
        return []
    rows: list[Row] = json.loads(output)
    return rows


def _memory_and_residence() -> dict[str, Any]:
    kib = round(memory.kib_per_subscriber(), 1)
    print(f"\nmemory of the plane a subscriber: {kib} KiB", flush=True)
    print(
        "\nresidence in the plane, socket to socket\nshare of a core   reached   p50 ms   p99 ms   missing", flush=True
    )
    rows = residence.measure()
    for row in rows:
        columns = f"{row['share']:>15.0%} {row['share_reached']:>9.0%} {row['p50_ms']:>8.2f} {row['p99_ms']:>8.2f} {row['missing']:>9d}"
        print(columns, flush=True)
    (p99,) = (row["p99_ms"] for row in rows if row["share"] == REFERENCE_SHARE)
    return {"kib_per_subscriber": kib, "residence_p99_ms": p99, "residence": rows}


def _policy_pass() -> dict[str, float]:
    milliseconds = round(statistics.median(policy.measure(MANY_SUBSCRIBERS, POLICY_PASSES)), 2)
    print(f"\na decision of the policy for {MANY_SUBSCRIBERS} viewers: {milliseconds} ms", flush=True)
    return {"policy_pass_ms": milliseconds}


def _growth(rows: list[Row]) -> dict[str, Any]:
    costs = {row["subscribers"]: row for row in rows if row["network"] == LOOPBACK.name}
    if not {REFERENCE_SUBSCRIBERS, MANY_SUBSCRIBERS} <= costs.keys():
        return {}
    few, many = costs[REFERENCE_SUBSCRIBERS], costs[MANY_SUBSCRIBERS]
    growth = {name: round(many[f"{name}_us"] / few[f"{name}_us"], 3) for name in ("plane", "floor", "python")}
    print(
        f"\ncost at {MANY_SUBSCRIBERS} over {REFERENCE_SUBSCRIBERS} subscribers: "
        + ", ".join(f"{k} {v:.2f}" for k, v in growth.items())
    )
    return {"growth": growth["plane"], "growth_of_all": growth}


if __name__ == "__main__":
    main()
