"""A server process of its own on loopback, without media, for measurements of the live queue."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx

from loadtests.process_cpu import children
from store import die_with_parent

HOST = "127.0.0.1"
API_KEY = "load"
START_TIMEOUT_S = 60.0
_SERVER = ("-c", "from server.cli import main; main()", "serve", "--no-demo")
_PORTS = ("--http-host", HOST, "--http-port", "0", "--media-host", HOST, "--media-port", "0")


@dataclass(frozen=True)
class OwnProcess:
    """A running server: its process, that of its Valkey, and its HTTP port."""

    pid: int
    store_pid: int
    port: int

    async def make_session(self) -> dict[str, Any]:
        """A new session that is open; the answer of the API."""
        async with httpx.AsyncClient(trust_env=False) as http:
            made = await http.post(
                f"http://{HOST}:{self.port}/api/v1/sessions",
                json={"title": "Load", "open": True},
                headers={"Authorization": f"Bearer {API_KEY}"},
            )
            made.raise_for_status()
            found: dict[str, Any] = made.json()
            return found


@asynccontextmanager
async def own_process() -> AsyncIterator[OwnProcess]:
    """Run a server with an embedded Valkey in a temporary directory.

    Raises:
        RuntimeError: it did not start; the text has its last words.
    """
    with tempfile.TemporaryDirectory(prefix="livetrial-queue-") as folder, tempfile.TemporaryFile() as log:
        # The settings of the environment are for the server that people use, not for this one.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LIVETRIAL_")}
        environment |= {"LIVETRIAL_API_KEY": API_KEY, "LIVETRIAL_LOG_LEVEL": "warning"}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, die_with_parent.__file__, str(os.getpid()), sys.executable, *_SERVER, *_PORTS),
            *("--data-dir", f"{folder}/data"),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
        try:
            port = await _ready(process)
            if port is None:
                log.seek(0)
                raise RuntimeError(f"the server did not start:\n{log.read().decode(errors='replace')[-2000:]}")
            yield OwnProcess(process.pid, children(process.pid)[0], port)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _ready(process: asyncio.subprocess.Process) -> int | None:
    """The port, once the server says that it is ready."""
    assert process.stdout is not None
    with suppress(TimeoutError):
        async with asyncio.timeout(START_TIMEOUT_S):
            async for line in process.stdout:
                if b"ready at" in line:
                    return int(line.strip().rpartition(b":")[2])
    return None
