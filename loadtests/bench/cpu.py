"""CPU time of threads, and which CPU they run on."""

import os
from pathlib import Path


def thread_named(name: str) -> int:
    """The id of the thread of this process that goes by `name`.

    Raises:
        LookupError: there is none, or more than one.
    """
    threads = [task for task in Path("/proc/self/task").iterdir() if (task / "comm").read_text().strip() == name]
    if len(threads) != 1:
        raise LookupError(f"{len(threads)} threads are named {name!r}")
    return int(threads[0].name)


def cpu_ns(thread: int) -> int:
    """Nanoseconds that a thread of this process has run."""
    return int(Path(f"/proc/self/task/{thread}/schedstat").read_text().split()[0])


def measured_cpu() -> int:
    """The CPU for what is measured."""
    return min(os.sched_getaffinity(os.getpid()))


def spare_cpu() -> int:
    """The CPU for all else; the same where there is but one."""
    return max(os.sched_getaffinity(os.getpid()))


def pin(thread: int, cpu: int) -> None:
    """Keep a thread (0: this one) on one CPU, so that rounds compare."""
    os.sched_setaffinity(thread, {cpu})
