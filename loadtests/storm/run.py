"""Runs a storm and sums it up."""

import argparse
import asyncio
import json
import math
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import Any

import uvloop

from loadtests.live_server import Server
from loadtests.storm import server_side
from loadtests.storm.association import certificate
from loadtests.storm.client import Client, Outcome
from loadtests.storm.hostile import Hostile
from loadtests.storm.server_side import Moment

WATCHERS = 4
PROCESSES = 2
STAY_S = 0.5
"""How long a member of the storm watches: long enough for the first burst, short enough that joins are what costs."""
SETTLE_S = 2.0
CALM_S = 2.0
"""How long the server is looked at before the storm."""

KEYFRAME_REQUESTS = "livetrial_plane_keyframe_requests_sent_total"


@dataclass(frozen=True)
class Storm:
    """How hard it blows."""

    joins_per_s: float = 100.0
    seconds: float = 10.0


@dataclass(frozen=True)
class Blown:
    """What became of the members, and the processor time that they took themselves."""

    outcomes: list[Outcome]
    cpu_s: float


def main() -> None:
    """Blow, print what became of it, and end."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.storm", description=__doc__)
    parser.add_argument("--joins-per-s", type=float, default=Storm.joins_per_s, help="default 100")
    parser.add_argument("--seconds", type=float, default=Storm.seconds, help="default 10")
    parser.add_argument(
        "--profile", help="run this command beside the storm, {pid} replaced by the server's process id"
    )
    parser.add_argument(
        "--hostile", type=float, default=0.0, help="then once more beside so many hostile attempts a second"
    )
    options = parser.parse_args()
    print(json.dumps(run(Storm(options.joins_per_s, options.seconds), options.profile, options.hostile)))


def run(storm: Storm = Storm(), profile: str | None = None, hostile_per_s: float = 0.0) -> dict[str, Any]:
    """Blow on a server of its own; the figures of the storm, under `hostile` those of a second one beside attempts that are no
    joins, and how many times as long its members waited (`hostile_ratio_p95`, by the server's own times).

    The goals: `first_packet_ms_p95` ≤ 100 plus the round trip, `keyframe_share` ≥ 0.99, `keyframe_requests_per_s` ≤ 1,
    `watchers_lost` 0, `cpu_ms_a_join` ≤ 3.
    """
    return uvloop.run(_run(storm, profile, hostile_per_s))


async def _run(storm: Storm, profile: str | None, hostile_per_s: float) -> dict[str, Any]:
    async with Server.start() as server:
        target = await server.live_session()
        figures = await _storm(server, target, storm, profile)
        if hostile_per_s:
            hostile = Hostile(server.http_port, server.media_port, target["session"], hostile_per_s)
            beside = await _storm(server, target, storm, None, hostile)
            times = beside["server_media_ms_p95"], figures["server_media_ms_p95"]
            figures["hostile"] = beside | {"attempts": dict(hostile.made)}
            figures["hostile_ratio_p95"] = round(times[0] / times[1], 2) if all(times) else None
    return figures


async def _storm(
    server: Server, target: dict[str, Any], storm: Storm, profile: str | None, hostile: Hostile | None = None
) -> dict[str, Any]:
    address = "127.0.0.1", server.http_port
    over = asyncio.Event()
    watchers = [asyncio.create_task(Client(address, **target).attend(over.wait)) for _ in range(WATCHERS)]
    await asyncio.sleep(SETTLE_S)
    calm = await server_side.look(server)
    await asyncio.sleep(CALM_S)
    before, began = await server_side.look(server), time.monotonic()
    profiler = await _start(profile, server)
    attack = asyncio.create_task(hostile.run(over.is_set)) if hostile is not None else None
    blown = await asyncio.to_thread(_blow, address, target, storm)
    after, elapsed_s = await server_side.look(server), time.monotonic() - began
    if profiler is not None:
        await profiler.wait()
    over.set()
    watched = await asyncio.gather(*watchers)
    if attack is not None:
        await attack
    return _of_members(blown.outcomes) | _of_server(calm, before, after, blown, elapsed_s) | _of_watchers(watched)


def _of_members(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    good = [outcome for outcome in outcomes if outcome.first_packet_ms is not None]
    errors = [outcome.error for outcome in outcomes if outcome.error]
    return {
        "joins": len(outcomes),
        "failed": len(outcomes) - len(good),
        "failed_after": dict(Counter(_furthest(outcome) for outcome in outcomes if outcome not in good)),
        "errors": sorted(set(errors))[:3],
        "waited_at_the_door": sum(outcome.waited for outcome in outcomes),
        "answered_ms_p95": _p95(outcome.answered_ms for outcome in good),
        "established_ms_p95": _p95(outcome.established_ms for outcome in good),
        "first_packet_ms_p50": _quantile([outcome.first_packet_ms for outcome in good], 0.5),
        "first_packet_ms_p95": _p95(outcome.first_packet_ms for outcome in good),
        "keyframe_share": round(sum(outcome.keyframe for outcome in good) / max(1, len(good)), 4),
    }


def _of_server(calm: Moment, before: Moment, after: Moment, blown: Blown, elapsed_s: float) -> dict[str, Any]:
    """The server's own figures; its processor time is without what it took before the storm."""
    joins = max(1, len(blown.outcomes))
    at_rest = server_side.cpu_s(calm, before)
    spent = server_side.cpu_s(before, after)
    a_join = {part: 1e3 * (spent[part] - at_rest[part] / CALM_S * elapsed_s) / joins for part in spent}
    return {
        "server_answer_ms_p95": server_side.stage_ms(before, after, "ordinary server", 0.95),
        "server_media_ms_p50": server_side.stage_ms(before, after, "ordinary media", 0.5),
        "server_media_ms_p95": server_side.stage_ms(before, after, "ordinary media", 0.95),
        "keyframe_requests_per_s": round(server_side.difference(before, after, KEYFRAME_REQUESTS) / elapsed_s, 2),
        "cpu_ms_a_join": round(a_join["interpreter"] + a_join["plane"], 2),
        "cpu_ms_a_join_of": {part: round(ms, 2) for part, ms in a_join.items()},
        "clients_cpu_ms_a_join": round(1e3 * blown.cpu_s / joins, 2),
        "elapsed_s": round(elapsed_s, 1),
        "trouble": server_side.trouble(before, after),
        "load_average": round(os.getloadavg()[0], 1),
    }


def _of_watchers(watched: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "watchers": len(watched),
        "watchers_packets": sum(outcome.packets for outcome in watched),
        "watchers_lost": sum(outcome.lost for outcome in watched),
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


async def _start(command: str | None, server: Server) -> asyncio.subprocess.Process | None:
    if command is None:
        return None
    return await asyncio.create_subprocess_shell(command.format(pid=server.process.pid))


def _blow(address: tuple[str, int], target: dict[str, Any], storm: Storm) -> Blown:
    """All joins, from processes of their own; in order of none."""
    context = multiprocessing.get_context("spawn")
    results: Queue[tuple[list[dict[str, Any]], float]] = context.Queue()
    ready = context.Barrier(PROCESSES)
    share = Storm(storm.joins_per_s / PROCESSES, storm.seconds)
    arguments = results, ready, address, target, share
    processes = [context.Process(target=_member_process, args=arguments) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    told = [results.get() for _ in processes]
    for process in processes:
        process.join()
    return Blown([Outcome(**one) for outcomes, _ in told for one in outcomes], sum(cpu_s for _, cpu_s in told))


def _member_process(
    results: "Queue[tuple[list[dict[str, Any]], float]]",
    ready: Barrier,
    address: tuple[str, int],
    target: dict[str, Any],
    storm: Storm,
) -> None:
    certificate()
    ready.wait()  # or one would still read its modules while the other joins
    begun_s = time.process_time()
    outcomes = uvloop.run(_members(address, target, storm))
    results.put(([asdict(outcome) for outcome in outcomes], time.process_time() - begun_s))


async def _members(address: tuple[str, int], target: dict[str, Any], storm: Storm) -> list[Outcome]:
    clock = asyncio.get_running_loop().time
    began, tasks = clock(), []
    for number in range(round(storm.joins_per_s * storm.seconds)):
        await asyncio.sleep(began + number / storm.joins_per_s - clock())
        tasks.append(asyncio.create_task(Client(address, **target).attend(lambda: asyncio.sleep(STAY_S))))
    return list(await asyncio.gather(*tasks))
