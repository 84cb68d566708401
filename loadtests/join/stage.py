"""Everything that a join is measured on: server, hosts, link, reference, browser."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from loadtests.join.stock import StockServer
from loadtests.join.trips import LogTail, monotonic_ns, trip
from loadtests.link.config import Listener
from loadtests.link.config import Path as Direction
from loadtests.link.control import Link
from loadtests.live_server import KEPT, Server, free_port
from server import demo_media, demo_picture
from server.config import own_addresses

ROOT = Path(__file__).parents[2]
IN_PAGE = Path(__file__).with_name("in_page.js")


JOIN_GRACE_S = 30.0
"""Beside the time that the page has for its picture: for opening and closing pages."""


class Browser:
    """A browser that joins when it is told to; one that breaks is replaced, which costs the join that broke it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._process: asyncio.subprocess.Process | None = None

    @classmethod
    @asynccontextmanager
    async def start(cls, name: str) -> AsyncIterator["Browser"]:
        """`name` is `chromium` or `firefox`."""
        browser = cls(name)
        try:
            await browser._launch()
            yield browser
        finally:
            await browser._end()

    async def join(self, *, timeoutMs: int, **order: Any) -> dict[str, Any]:
        """One join: its stages, or `lacking`, or `failed`."""
        try:
            async with asyncio.timeout(timeoutMs / 1000 + JOIN_GRACE_S):
                process = self._process or await self._launch()
                assert process.stdin is not None
                process.stdin.write(json.dumps({"timeoutMs": timeoutMs, **order}).encode() + b"\n")
                return await self._read(process)
        except (TimeoutError, OSError, EOFError) as error:
            await self._end()
            return {"failed": f"the browser broke: {type(error).__name__} {error}"}

    async def _launch(self) -> asyncio.subprocess.Process:
        folder = ROOT / "tests" / "browser"
        pipe = asyncio.subprocess.PIPE
        command = (folder / "node_modules/.bin/tsx", "bench/join_driver.ts", self._name, IN_PAGE)
        self._process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdin=pipe, stdout=pipe)
        await self._read(self._process)
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(JOIN_GRACE_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _read(self, process: asyncio.subprocess.Process) -> dict[str, Any]:
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line:
            raise EOFError("it has ended")
        reply: dict[str, Any] = json.loads(line)
        return reply


class Stage:
    """Server, reference and link together."""

    def __init__(self, link: Link, targets: list[dict[str, Any]], page: str, log: LogTail) -> None:
        self.link, self._targets, self._page, self._log = link, targets, page, log

    @classmethod
    @asynccontextmanager
    async def build(cls, log: Path) -> AsyncIterator["Stage"]:
        """Run everything; `log` is where the link writes its packet log."""
        stock_port = free_port()
        # A page without a camera gets no loopback candidates in Firefox, so it could send nothing to loopback.
        own = [address for address in own_addresses() if ":" not in address]
        bind = f"{own[-1]}:0"
        listeners = [
            Listener("media", udp=True, tcp=True, bind=bind),
            Listener("http", tcp=True),
            Listener("stock-media", udp=True, bind=bind),
            Listener("stock-http", tcp=True, target=f"127.0.0.1:{stock_port}"),
        ]
        async with (
            Link.start(Direction(), Direction(), listeners=listeners, log=log) as link,
            Server.start(announced=link.addresses["media"]) as server,
        ):
            await link.target("media", f"127.0.0.1:{server.media_port}")
            await link.target("http", f"127.0.0.1:{server.http_port}")
            loop = await demo_media.load(KEPT)
            around = {"script": f"{server.url}/embed/livetrial-client.js", "url": f"ws://{link.addresses['http']}/ws"}
            targets = [await server.live_session(part) | around | {"frames": frames} for part, frames in _halves(loop)]
            stock = StockServer(loop, link.addresses["stock-media"], lambda to: link.target("stock-media", to))
            serving = asyncio.create_task(stock.serve(stock_port))
            try:
                yield cls(link, targets, f"http://127.0.0.1:{stock_port}/", LogTail(log))
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)

    async def join(self, browser: Browser, mode: str, *, r_ms: float, timeout_ms: int = 10_000) -> dict[str, Any]:
        """One join in a fresh page, with its `trip` over the link.

        Page and script come around the link (an embedder's page, as it were); socket and tickets go over it, and have a round trip and
        0.6 s to settle before the tap: nobody taps sooner, and what loading a page costs two cores is not the join's.
        """
        page = f"http://{self.link.addresses['stock-http']}/" if mode == "stock" else self._page
        counter = {"bits": demo_picture.COUNTER_BITS, "squarePx": demo_picture.COUNTER_SQUARE_PX}
        target = self._targets[0] | {"other": self._targets[1], "counter": counter}
        join = await browser.join(mode=mode, page=page, target=target, timeoutMs=timeout_ms, settleMs=r_ms + 600)
        await self.link.stats()  # the log is complete up to here
        records = self._log.read()
        if "first_shown" in join:
            tapped_at = join.pop("tapped_at")
            join["trip"] = trip(records, monotonic_ns(tapped_at), monotonic_ns(tapped_at + join["first_shown"]))
        return join


def _halves(loop: demo_media.Loop) -> list[tuple[demo_media.Loop, tuple[int, int]]]:
    """Two loops that have no frame number in common, with their numbers [first, end): so a picture tells its session."""
    frames, packets = len(loop.video), len(loop.audio)
    middle = frames // 2
    assert middle % demo_media.KEYFRAME_INTERVAL == 0, "both halves begin with a keyframe"
    first = demo_media.Loop(video=loop.video[:middle], audio=loop.audio[: packets // 2])
    second = demo_media.Loop(video=loop.video[middle:], audio=loop.audio[packets // 2 :])
    return [(first, (0, middle)), (second, (middle, frames))]
