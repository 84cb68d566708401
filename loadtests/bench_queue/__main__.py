"""`make bench-queue`: a full audience and a tenth of it, with the same votes and reactions a second.

Clients and server share this machine. A vote is *shown* when the last of all connections has got a message that covers it.
The last line is one JSON object:

    members               connections that stayed
    ack_p95_ms            vote sent → acknowledged, which means on disk
    shown_p95_ms          vote sent → its count is on all connections
    server_cores          CPU seconds a second of the server process; `store_cores` of its Valkey, `client_cores` of this one
    bytes_per_member_s    received by one member, everything; `bytes_per_member_s_tenth` with a tenth of the audience
"""

import argparse
import asyncio
import gc
import json
import os
import resource
from dataclasses import dataclass
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from loadtests.bench_queue.audience import Audience, Outcome, milliseconds
from loadtests.own_process import HOST, OwnProcess, own_process
from loadtests.process_cpu import cpu_s
from signaling import VERSION

SPARE_FILES = 200
WARM_UP_S = 3.0


@dataclass(frozen=True)
class Measured:
    """One audience: what it got, and what that cost in CPU seconds a second."""

    outcome: Outcome
    server_cores: float
    store_cores: float
    client_cores: float


def main() -> None:
    """Measure, print, and end."""
    options = _options()
    _allow_files(options.members + SPARE_FILES)
    gc.disable()  # nothing here makes cycles, and a collection would be measured as the server's delay
    print(json.dumps(uvloop.run(_run(options))))


async def _run(options: argparse.Namespace) -> dict[str, Any]:
    async with own_process() as server:
        tenth = await _measure(server, max(1, options.members // 10), options.seconds / 2, options)
        full = await _measure(server, options.members, options.seconds, options)
    outcome = full.outcome
    return {
        "members": options.members - outcome.lost,
        "ack_p95_ms": milliseconds(outcome.acks, 0.95),
        "shown_p95_ms": milliseconds(outcome.shown, 0.95),
        "server_cores": round(full.server_cores, 3),
        "bytes_per_member_s": round(outcome.octets_per_member_s),
        "bytes_per_member_s_tenth": round(tenth.outcome.octets_per_member_s),
        "messages_per_member_s": round(outcome.messages_per_member_s, 2),
        "messages_per_member_s_tenth": round(tenth.outcome.messages_per_member_s, 2),
        "ack_p50_ms": milliseconds(outcome.acks, 0.5),
        "shown_p50_ms": milliseconds(outcome.shown, 0.5),
        "store_cores": round(full.store_cores, 3),
        "client_cores": round(full.client_cores, 3),
        "server_cores_tenth": round(tenth.server_cores, 3),
        "votes": len(outcome.acks),
        "unacknowledged": outcome.unacknowledged,
        "not_shown": outcome.not_shown,
        "refused": outcome.refused,
    }


async def _measure(server: OwnProcess, members: int, seconds: float, options: argparse.Namespace) -> Measured:
    made = await server.make_session()
    host = await connect(f"ws://{HOST}:{server.port}/ws", proxy=None, max_size=None)
    try:
        questions = await _ask(host, made["id"], made["tokens"]["host"], options.questions)
    finally:
        await host.close()
    audience = Audience((HOST, server.port), made["id"], questions)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await audience.join(members)
    print(f"{members} members joined in {loop.time() - begun:.1f} s", flush=True)
    rates = {"votes_per_s": options.votes, "reactions_per_s": options.reactions}
    await audience.act(seconds=WARM_UP_S, **rates)
    await audience.settle()
    audience.forget()
    processes = (server.pid, server.store_pid, os.getpid())
    begun, before = loop.time(), [cpu_s(pid) for pid in processes]
    await audience.act(seconds=seconds, **rates)
    elapsed, after = loop.time() - begun, [cpu_s(pid) for pid in processes]
    await audience.settle()
    outcome = audience.outcome(elapsed)
    await audience.leave()
    cores = [(end - begin) / elapsed for begin, end in zip(before, after, strict=True)]
    print(
        f"{members} members: ack p95 {milliseconds(outcome.acks, 0.95)} ms, shown p95 "
        f"{milliseconds(outcome.shown, 0.95)} ms, cores: server {cores[0]:.2f}, Valkey {cores[1]:.2f}, clients {cores[2]:.2f}",
        flush=True,
    )
    return Measured(outcome, *cores)


async def _ask(host: ClientConnection, session: str, token: str, count: int) -> list[str]:
    """Questions of the host, which no limit of asking holds back; returns their ids."""
    await host.send(json.dumps({"type": "join", "v": VERSION, "session": session, "token": token, "name": "Host"}))
    ids: list[str] = []
    for number in range(count):
        await host.send(json.dumps({"type": "ask", "cmd": f"q{number}", "text": f"Question {number}?"}))
        while (message := json.loads(await host.recv()))["type"] != "ack":
            if message["type"] == "error":
                raise RuntimeError(f"the server refuses: {message['message']}")
        ids.append(message["id"])
        await asyncio.sleep(0.1)  # as fast as a socket may send
    return ids


def _allow_files(count: int) -> None:
    """Raise the limit of open files, which the server inherits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise SystemExit(f"{count} open files are needed, and {hard} are allowed: raise the limit (ulimit -n)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench_queue", description=__doc__.partition("\n")[0])
    parser.add_argument("--members", type=int, default=5_000, help="connections of the full audience")
    parser.add_argument("--votes", type=float, default=500.0, help="votes a second")
    parser.add_argument("--reactions", type=float, default=2_000.0, help="reactions a second, each a message")
    parser.add_argument("--questions", type=int, default=20, help="questions that the votes are for")
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="measured with the full audience; half of it before"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
