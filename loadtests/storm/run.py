"""Runs a storm and sums it up."""

import argparse
import asyncio
import json
import math
import multiprocessing
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import uvloop

from loadtests.live_server import Server
from loadtests.storm.client import Client, Outcome

WATCHERS = 4
PROCESSES = 2
STAY_S = 0.5
"""How long a member of the storm watches: long enough for the first burst, short enough that joins are what costs."""
SETTLE_S = 2.0

KEYFRAME_REQUESTS = "livetrial_plane_keyframe_requests_sent_total"


@dataclass(frozen=True)
class Storm:
    """How hard it blows."""

    joins_per_s: float = 100.0
    seconds: float = 10.0


def main() -> None:
    """Blow, print what became of it, and end."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.storm", description=__doc__)
    parser.add_argument("--joins-per-s", type=float, default=Storm.joins_per_s, help="default 100")
    parser.add_argument("--seconds", type=float, default=Storm.seconds, help="default 10")
    parser.add_argument(
        "--profile", help="run this command beside the storm, {pid} replaced by the server's process id"
    )
    options = parser.parse_args()
    print(json.dumps(run(Storm(options.joins_per_s, options.seconds), options.profile)))


def run(storm: Storm = Storm(), profile: str | None = None) -> dict[str, Any]:
    """Blow on a server of its own; the figures of the storm.

    The goals: `first_packet_ms_p95` ≤ 100 plus the round trip, `keyframe_share` ≥ 0.99, `keyframe_requests_per_s` ≤ 1,
    `watchers_lost` 0, `cpu_ms_a_join` ≤ 3.
    """
    return uvloop.run(_run(storm, profile))


async def _run(storm: Storm, profile: str | None) -> dict[str, Any]:
    async with Server.start() as server:
        target = await server.live_session()
        url = f"ws://127.0.0.1:{server.http_port}/ws"
        over = asyncio.Event()
        watchers = [asyncio.create_task(Client(url, **target).attend(over.wait)) for _ in range(WATCHERS)]
        await asyncio.sleep(SETTLE_S)
        quiet_cpu_s = await _cpu_of(server, 2.0)
        profiler = await _start(profile, server)
        requests_before, cpu_before = await server.metric(KEYFRAME_REQUESTS), cpu_s(server.process.pid)
        outcomes = await asyncio.to_thread(_blow, url, target, storm)
        cpu = cpu_s(server.process.pid) - cpu_before
        requests = await server.metric(KEYFRAME_REQUESTS) - requests_before
        if profiler is not None:
            await profiler.wait()
        over.set()
        watched = await asyncio.gather(*watchers)
    return _sum_up(storm, outcomes, watched, cpu_s=cpu, quiet_cpu_s=quiet_cpu_s * storm.seconds, requests=requests)


def _sum_up(
    storm: Storm,
    outcomes: Sequence[Outcome],
    watched: Sequence[Outcome],
    *,
    cpu_s: float,
    quiet_cpu_s: float,
    requests: float,
) -> dict[str, Any]:
    good = [outcome for outcome in outcomes if outcome.first_packet_ms is not None]
    errors = [outcome.error for outcome in outcomes if outcome.error]
    return {
        "joins": len(outcomes),
        "failed": len(outcomes) - len(good),
        "failed_after": dict(Counter(_furthest(outcome) for outcome in outcomes if outcome not in good)),
        "errors": sorted(set(errors))[:3],
        "answered_ms_p95": _p95(outcome.answered_ms for outcome in good),
        "established_ms_p95": _p95(outcome.established_ms for outcome in good),
        "first_packet_ms_p50": _quantile([outcome.first_packet_ms for outcome in good], 0.5),
        "first_packet_ms_p95": _p95(outcome.first_packet_ms for outcome in good),
        "keyframe_share": round(sum(outcome.keyframe for outcome in good) / max(1, len(good)), 4),
        "keyframe_requests_per_s": round(requests / storm.seconds, 2),
        "watchers": len(watched),
        "watchers_packets": sum(outcome.packets for outcome in watched),
        "watchers_lost": sum(outcome.lost for outcome in watched),
        # All of the server's processor time but what it took before the storm.
        "cpu_ms_a_join": round((cpu_s - quiet_cpu_s) * 1e3 / max(1, len(outcomes)), 2),
        "load_average": round(os.getloadavg()[0], 1),
    }


def _furthest(outcome: Outcome) -> str:
    """The last step that a join without media took."""
    steps = {"established": outcome.established_ms, "checked": outcome.checked_ms, "answered": outcome.answered_ms}
    return next((step for step, ms in steps.items() if ms is not None), "nothing")


def _p95(values: Any) -> float | None:
    return _quantile(list(values), 0.95)


def _quantile(values: Sequence[float | None], share: float) -> float | None:
    """The smallest value that `share` of all do not exceed."""
    ordered = sorted(value for value in values if value is not None)
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 1) if ordered else None


def cpu_s(pid: int) -> float:
    """Processor time that a process has taken, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _cpu_of(server: Server, seconds: float) -> float:
    """Share of a core that the server takes before the storm."""
    before = cpu_s(server.process.pid)
    await asyncio.sleep(seconds)
    return (cpu_s(server.process.pid) - before) / seconds


async def _start(command: str | None, server: Server) -> asyncio.subprocess.Process | None:
    if command is None:
        return None
    return await asyncio.create_subprocess_shell(command.format(pid=server.process.pid))


def _blow(url: str, target: dict[str, Any], storm: Storm) -> list[Outcome]:
    """All joins, from processes of their own; in order of none."""
    context = multiprocessing.get_context("spawn")
    results: Queue[list[dict[str, Any]]] = context.Queue()
    share = Storm(storm.joins_per_s / PROCESSES, storm.seconds)
    processes = [context.Process(target=_member_process, args=(results, url, target, share)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    outcomes = [Outcome(**outcome) for _ in processes for outcome in results.get()]
    for process in processes:
        process.join()
    return outcomes


def _member_process(results: "Queue[list[dict[str, Any]]]", url: str, target: dict[str, Any], storm: Storm) -> None:
    outcomes = uvloop.run(_members(url, target, storm))
    results.put([asdict(outcome) for outcome in outcomes])


async def _members(url: str, target: dict[str, Any], storm: Storm) -> list[Outcome]:
    clock = asyncio.get_running_loop().time
    began, tasks = clock(), []
    for number in range(round(storm.joins_per_s * storm.seconds)):
        await asyncio.sleep(began + number / storm.joins_per_s - clock())
        tasks.append(asyncio.create_task(Client(url, **target).attend(lambda: asyncio.sleep(STAY_S))))
    return list(await asyncio.gather(*tasks))
