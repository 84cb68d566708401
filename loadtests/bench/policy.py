"""What a pass of the policy over many viewers takes: `python -m loadtests.bench.policy`; the goal is 5 ms for 3,000."""

import argparse
import json
import time

import numpy as np

from media.links import Links
from media.policy import LEVELS, NOTHING, SLOTS, Policy, PolicyConfig, level_of

RATES = (60_000.0, 90_000.0, 150_000.0, 300_000.0, 500_000.0, 1_020_000.0, 1_700_000.0, np.inf, np.inf)
"""Bit/s of three encodings in three temporal layers each."""

LEAST_BPS, MOST_BPS = 40_000.0, 5_000_000.0


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench.policy", description=__doc__)
    parser.add_argument("--viewers", type=int, default=3_000, help="default 3000")
    parser.add_argument("--passes", type=int, default=200, help="default 200")
    options = parser.parse_args()
    times = measure(options.viewers, options.passes)
    median, most = float(np.median(times)), float(np.max(times))
    print(json.dumps({"viewers": options.viewers, "pass_ms_median": round(median, 2), "pass_ms_max": round(most, 2)}))


def measure(viewers: int, passes: int) -> list[float]:
    """Milliseconds of each pass; every viewer watches a host and a guest, and all estimates change between two passes."""
    config = PolicyConfig()
    policy, random = Policy(config), np.random.default_rng(1)
    rows = [policy.add() for _ in range(viewers)]
    estimates = np.full(policy.rows, np.nan)
    links, loss = Links.unknown(policy.rows), np.zeros(policy.rows)
    rates = np.full((policy.rows, SLOTS, LEVELS), np.inf)
    wishes = np.full((policy.rows, SLOTS), NOTHING, np.int8)
    rates[rows, :2] = RATES
    wishes[rows, :2] = level_of(2), level_of(0)
    times = []
    for number in range(passes):
        estimates[rows] = random.uniform(LEAST_BPS, MOST_BPS, viewers)
        began = time.perf_counter()
        policy.decide(number * config.interval_s, estimates, links, loss, rates, wishes)
        times.append((time.perf_counter() - began) * 1e3)
    return times


if __name__ == "__main__":
    main()
