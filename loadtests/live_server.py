"""A server of its own, with sessions that are live, for measurements in asyncio."""

import asyncio
import os
import re
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import httpx

from server import demo_media
from server.demo import DemoHost
from store import die_with_parent

KEPT = Path(__file__).parents[1] / "build" / "bench"
"""The picture, encoded once for all runs."""

API_KEY = "bench"
SERVER = ("-c", "from server.cli import main; main()", "serve")
START_TIMEOUT_S = 60.0


def free_port() -> int:
    """A port of loopback that nothing has now, neither by UDP nor by TCP."""
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        port: int = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", port))
        return port


class Server:
    """A livetrial server of its own, and sessions with hosts that are live."""

    def __init__(
        self, process: asyncio.subprocess.Process, http_port: int, media_port: int, loop: demo_media.Loop
    ) -> None:
        self.process, self.http_port, self.media_port, self._loop = process, http_port, media_port, loop
        self.url = f"http://127.0.0.1:{http_port}"
        self._hosts: list[asyncio.Task[None]] = []

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        announced: str | None = None,
        *,
        program: Sequence[str] = SERVER,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> AsyncIterator["Server"]:
        """Run a server.

        Args:
            announced: what it tells clients as its media address.
            program: what Python runs, with its arguments; it is set up by variables alone.
            settings: more `LIVETRIAL_*` variables.
        """
        loop = await demo_media.load(KEPT)
        http_port, media_port = free_port(), free_port()
        with tempfile.TemporaryDirectory(prefix="livetrial-join-") as folder, tempfile.TemporaryFile() as log:
            environment = {name: value for name, value in os.environ.items() if not name.startswith("LIVETRIAL_")}
            environment |= {
                "LIVETRIAL_API_KEY": API_KEY,
                "LIVETRIAL_ANNOUNCED": announced or "127.0.0.1",
                "LIVETRIAL_DEMO": "false",
                "LIVETRIAL_HTTP_HOST": "127.0.0.1",
                "LIVETRIAL_HTTP_PORT": str(http_port),
                "LIVETRIAL_MEDIA_HOST": "127.0.0.1",
                "LIVETRIAL_MEDIA_PORT": str(media_port),
                "LIVETRIAL_DATA_DIR": f"{folder}/data",
                **settings,
            }
            command = (sys.executable, die_with_parent.__file__, str(os.getpid()), sys.executable, *program)
            process = await asyncio.create_subprocess_exec(
                *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=log
            )
            server = cls(process, http_port, media_port, loop)
            try:
                await server._until_ready(log)
                yield server
            finally:
                await server._stop()

    async def live_session(self, loop: demo_media.Loop | None = None) -> dict[str, Any]:
        """A new session with a host on camera (`loop`: what it shows): its `session` and a member's `token`."""
        made = await self.session()
        host = DemoHost(
            whip_url=f"{self.url}/whip/{made['id']}",
            token=lambda: made["tokens"]["host"],
            media_address=("127.0.0.1", self.media_port),
            loop=loop or self._loop,
        )
        before = await self.metric("livetrial_publications")
        self._hosts.append(asyncio.create_task(host.run()))
        async with asyncio.timeout(START_TIMEOUT_S):
            while await self.metric("livetrial_publications") <= before:  # noqa: ASYNC110  a metric tells nothing by itself
                await asyncio.sleep(0.1)
        return {"session": made["id"], "token": made["tokens"]["member"]}

    async def session(self) -> dict[str, Any]:
        """A new session without a host; the answer of the API."""
        async with httpx.AsyncClient(trust_env=False) as http:
            response = await http.post(
                f"{self.url}/api/v1/sessions", json={"title": "Bench"}, headers={"Authorization": f"Bearer {API_KEY}"}
            )
            response.raise_for_status()
            made: dict[str, Any] = response.json()
            return made

    async def metric(self, name: str) -> float:
        """A number of /metrics."""
        async with httpx.AsyncClient(trust_env=False) as http:
            text = (await http.get(f"{self.url}/metrics")).text
        found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    async def _until_ready(self, log: IO[bytes]) -> None:
        assert self.process.stdout is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(START_TIMEOUT_S):
                async for line in self.process.stdout:
                    if b"ready at" in line:
                        return
        log.seek(0)
        raise RuntimeError(f"the server did not start:\n{log.read().decode(errors='replace')[-2000:]}")

    async def _stop(self) -> None:
        for host in self._hosts:
            host.cancel()
        await asyncio.gather(*self._hosts, return_exceptions=True)
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()
