"""When Python looks for reference cycles.

By its own thresholds it goes through young objects every 700 allocations and through all, of which thousands of sockets have
many, often enough to take a fifth of the time of a busy server, in pauses that everybody waits for.
"""

import gc

YOUNG = 10_000
"""More containers than were freed, before the young are looked at: about a millisecond."""

MIDDLE, OLD = 20, 100
"""Rounds of each generation before the next older one is looked at, too."""


def collect_rarely() -> None:
    """Called once the server is up: what is there by then, mostly code, stays and is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
