"""What the server and the kernel say of a storm: processor time by thread, the join's stages, and all that was refused or dropped."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from loadtests.live_server import Server
from server.join_times import METRIC, quantile

_TROUBLE = ("_dropped", "_limited", "_refused", "tickets_", "stun_rejected", "peers_ended", "livetrial_joins_total")
_MEDIA_BUCKET = f"{METRIC}_bucket"


@dataclass(frozen=True)
class Moment:
    """Everything that is counted, at one time. `numbers` are the samples of `/metrics`, by name and labels."""

    numbers: dict[str, float]
    buckets: dict[str, dict[float, float]]
    threads_s: dict[str, float]
    store_s: float
    kernel_drops: int


async def look(server: Server) -> Moment:
    """Count now."""
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"{server.url}/metrics")).text
    numbers: dict[str, float] = {}
    buckets: dict[str, dict[float, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == _MEDIA_BUCKET:
                stage = f"{sample.labels['path']} {sample.labels['stage']}"
                buckets.setdefault(stage, {})[float(sample.labels["le"])] = sample.value
            else:
                labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
                numbers[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    pid = server.process.pid
    return Moment(numbers, buckets, _threads_s(pid), _children_s(pid), _kernel_drops(server.media_port))


def stage_ms(before: Moment, after: Moment, stage: str, share: float) -> float | None:
    """A quantile of a stage (`ordinary media`), of what ended in between; None where nothing did."""
    known, first = after.buckets.get(stage, {}), before.buckets.get(stage, {})
    counts = [(bound, count - first.get(bound, 0.0)) for bound, count in sorted(known.items())]
    return round(quantile(counts, share), 1) if counts and counts[-1][1] > 0 else None


def trouble(before: Moment, after: Moment) -> dict[str, float]:
    """What was refused, limited, dropped or ended in between, and how often."""
    differences = {name: value - before.numbers.get(name, 0.0) for name, value in after.numbers.items()}
    found = {
        name.removeprefix("livetrial_"): count
        for name, count in differences.items()
        if count > 0 and any(part in name for part in _TROUBLE) and "_created" not in name
    }
    return {**found, "kernel_drops": after.kernel_drops - before.kernel_drops}


def cpu_s(before: Moment, after: Moment) -> dict[str, float]:
    """Processor time in between: of the interpreter's thread, of all other threads (the plane's), of the store."""
    spent = {thread: after.threads_s[thread] - before.threads_s.get(thread, 0.0) for thread in after.threads_s}
    main = min(spent, key=lambda thread: int(thread))
    return {
        "interpreter": spent[main],
        "plane": sum(seconds for thread, seconds in spent.items() if thread != main),
        "store": after.store_s - before.store_s,
    }


def difference(before: Moment, after: Moment, name: str) -> float:
    """By how much a number grew."""
    return after.numbers.get(name, 0.0) - before.numbers.get(name, 0.0)


def process_s(stat: Path) -> float:
    """Processor time, user and system, of a `/proc/…/stat`."""
    fields: Any = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _threads_s(pid: int) -> dict[str, float]:
    return {thread.name: process_s(thread / "stat") for thread in Path(f"/proc/{pid}/task").iterdir()}


def _children_s(pid: int) -> float:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(process_s(Path(f"/proc/{child}/stat")) for child in children)


def _kernel_drops(port: int) -> int:
    """Datagrams that found the receive buffer of a port full."""
    lines = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    return sum(int(fields[12]) for fields in lines if int(fields[1].rpartition(":")[2], 16) == port)
