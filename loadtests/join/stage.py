"""Everything that a join is measured on: server, hosts, link, reference, browser."""

import asyncio
import json
import os
import re
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from loadtests.join.stock import StockServer
from loadtests.link.config import Listener
from loadtests.link.config import Path as Direction
from loadtests.link.control import Link
from server import demo_media
from server.demo import DemoHost
from store import die_with_parent

ROOT = Path(__file__).parents[2]
API_KEY = "bench"
SERVER = ("-c", "from server.cli import main; main()", "serve", "--no-demo", "--http-host", "127.0.0.1")
IN_PAGE = Path(__file__).with_name("in_page.js")
START_TIMEOUT_S = 60.0


def free_port() -> int:
    """A port of loopback that nothing has now, neither by UDP nor by TCP."""
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        port: int = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", port))
        return port


class Server:
    """A livetrial server of its own, and sessions with hosts that are live."""

    def __init__(self, process: asyncio.subprocess.Process, http_port: int, media_port: int, loop: demo_media.Loop) -> None:
        self.process, self.http_port, self.media_port, self._loop = process, http_port, media_port, loop
        self.url = f"http://127.0.0.1:{http_port}"
        self._hosts: list[asyncio.Task[None]] = []

    @classmethod
    @asynccontextmanager
    async def start(cls, announced: str | None = None) -> AsyncIterator["Server"]:
        """Run a server; `announced` is what it tells clients as its media address."""
        kept = ROOT / "build" / "bench"
        loop = await demo_media.load(kept)
        http_port, media_port = free_port(), free_port()
        with tempfile.TemporaryDirectory(prefix="livetrial-join-") as folder:
            environment = {name: value for name, value in os.environ.items() if not name.startswith("LIVETRIAL_")}
            environment |= {"LIVETRIAL_API_KEY": API_KEY, "LIVETRIAL_ANNOUNCED": announced or "127.0.0.1"}
            ports = ("--http-port", str(http_port), "--media-host", "127.0.0.1", "--media-port", str(media_port))
            command = (sys.executable, die_with_parent.__file__, str(os.getpid()), sys.executable, *SERVER, *ports)
            with Path(folder, "server.log").open("w+b") as log:
                process = await asyncio.create_subprocess_exec(
                    *command, "--data-dir", f"{folder}/data", env=environment, stdout=asyncio.subprocess.PIPE, stderr=log
                )
                server = cls(process, http_port, media_port, loop)
                try:
                    await server._until_ready(Path(log.name))
                    yield server
                finally:
                    await server._stop()

    async def live_session(self) -> dict[str, Any]:
        """A new session with a host on camera: its `session` and a member's `token`."""
        async with httpx.AsyncClient(trust_env=False) as http:
            response = await http.post(
                f"{self.url}/api/v1/sessions", json={"title": "Bench"}, headers={"Authorization": f"Bearer {API_KEY}"}
            )
            response.raise_for_status()
            made = response.json()
            host = DemoHost(
                whip_url=f"{self.url}/whip/{made['id']}",
                token=lambda: made["tokens"]["host"],
                media_address=("127.0.0.1", self.media_port),
                loop=self._loop,
            )
            before = await self.metric("livetrial_publications")
            self._hosts.append(asyncio.create_task(host.run()))
            async with asyncio.timeout(START_TIMEOUT_S):
                while await self.metric("livetrial_publications") <= before:
                    await asyncio.sleep(0.1)
        return {"session": made["id"], "token": made["tokens"]["member"]}

    async def metric(self, name: str) -> float:
        """A number of /metrics."""
        async with httpx.AsyncClient(trust_env=False) as http:
            text = (await http.get(f"{self.url}/metrics")).text
        found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    async def _until_ready(self, log: Path) -> None:
        assert self.process.stdout is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(START_TIMEOUT_S):
                async for line in self.process.stdout:
                    if b"ready at" in line:
                        return
        raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}")

    async def _stop(self) -> None:
        for host in self._hosts:
            host.cancel()
        await asyncio.gather(*self._hosts, return_exceptions=True)
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()


class Browser:
    """A browser that joins when it is told to."""

    def __init__(self, process: asyncio.subprocess.Process, version: str) -> None:
        self._process, self.version = process, version

    @classmethod
    @asynccontextmanager
    async def start(cls, name: str) -> AsyncIterator["Browser"]:
        """`name` is `chromium` or `firefox`."""
        folder = ROOT / "tests" / "browser"
        pipe = asyncio.subprocess.PIPE
        command = (folder / "node_modules/.bin/tsx", "bench/join_driver.ts", name, IN_PAGE)
        process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdin=pipe, stdout=pipe)
        browser = cls(process, "")
        try:
            browser.version = (await browser._read()).get("ready", "")
            yield browser
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()

    async def join(self, **order: Any) -> dict[str, Any]:
        """One join: its stages, or `lacking`, or `failed`."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return await self._read()

    async def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the browser has ended")
        reply: dict[str, Any] = json.loads(line)
        return reply


class Stage:
    """Server, reference and link together."""

    def __init__(self, link: Link, targets: list[dict[str, Any]]) -> None:
        self.link, self._targets = link, targets

    @classmethod
    @asynccontextmanager
    async def build(cls, log: Path | None) -> AsyncIterator["Stage"]:
        """Run everything; `log` is where the link writes its packet log."""
        stock_port = free_port()
        listeners = [
            Listener("media", udp=True, tcp=True),
            Listener("http", tcp=True),
            Listener("stock-media", udp=True),
            Listener("stock-http", tcp=True, target=f"127.0.0.1:{stock_port}"),
        ]
        async with Link.start(Direction(), Direction(), listeners=listeners, log=log) as link:
            async with Server.start(announced=link.addresses["media"]) as server:
                await link.target("media", f"127.0.0.1:{server.media_port}")
                await link.target("http", f"127.0.0.1:{server.http_port}")
                targets = [await server.live_session(), await server.live_session()]
                loop = await demo_media.load(ROOT / "build" / "bench")
                stock = StockServer(loop, link.addresses["stock-media"], lambda to: link.target("stock-media", to))
                serving = asyncio.create_task(stock.serve(stock_port))
                try:
                    yield cls(link, targets)
                finally:
                    serving.cancel()
                    await asyncio.gather(serving, return_exceptions=True)

    async def join(self, browser: Browser, mode: str, *, r_ms: float, timeout_ms: int = 15_000) -> dict[str, Any]:
        """One join in a fresh page; before the tap everything has two round trips and a bit to settle."""
        page = f"http://{self.link.addresses['stock-http' if mode == 'stock' else 'http']}/"
        target = self._targets[0] | {"other": self._targets[1]}
        return await browser.join(mode=mode, page=page, target=target, timeoutMs=timeout_ms, settleMs=6 * r_ms + 150)
