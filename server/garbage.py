"""When Python looks for reference cycles.

By its own thresholds it goes through young objects every 700 allocations and through all, of which thousands of sockets have
many, often enough to take a fifth of the time of a busy server, in pauses that everybody waits for.
"""

import gc

YOUNG = 5_000
"""More containers than were freed, before the young are looked at: a few milliseconds."""

MIDDLE, OLD = 1, 2_000
"""Rounds of each generation before the next older one is looked at, too. What has survived once is looked at once more and soon: saved up
for twenty rounds it was a pause of 0.3 s in every crowd of a thousand. All of it is looked at after ten million containers: who
joins and leaves leaves no cycles (tests/media/test_freed.py)."""


def collect_rarely() -> None:
    """Called once the server is up: what is there by then, mostly code, stays and is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
