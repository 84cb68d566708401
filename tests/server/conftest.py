"""A real server for each test: uvicorn on a free port, the plane on another, on the Valkey of the test run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from aiortc import RTCPeerConnection

from server.config import Settings
from server.node import Node
from server.run import serve
from tests.server import peers
from tests.server.harness import API_KEY, Running, Start


@pytest.fixture
async def start(valkey_url: str, tmp_path: Path) -> AsyncIterator[Start]:
    """Starts servers with settings of one's own."""
    async with AsyncExitStack() as stack:

        async def start_one(**changes: object) -> Running:
            options: dict[str, object] = {
                "http_host": "127.0.0.1",
                "http_port": 0,
                "media_host": "127.0.0.1",
                "media_port": 0,
                "data_dir": tmp_path / "data",
                "redis_url": valkey_url,
                "api_key": API_KEY,
                "demo": False,
            }
            settings = Settings(**{**options, **changes})  # type: ignore[arg-type]
            stop = asyncio.Event()
            ready: asyncio.Future[tuple[Node, int]] = asyncio.get_running_loop().create_future()
            serving = asyncio.create_task(
                serve(settings, on_ready=lambda node, port: ready.set_result((node, port)), stop=stop)
            )

            async def end() -> None:
                stop.set()
                await serving

            stack.push_async_callback(end)
            await asyncio.wait((serving, ready), return_when=asyncio.FIRST_COMPLETED)
            node, port = await ready if ready.done() else await _failed(serving)
            http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)
            await stack.enter_async_context(http)
            return Running(node, port, http, stack, end)

        yield start_one


@pytest.fixture
async def server(start: Start) -> Running:
    """A server with the usual settings."""
    return await start()


@pytest.fixture
async def camera() -> AsyncIterator[RTCPeerConnection]:
    """Of a host."""
    async with peers.peer() as connection:
        yield connection


@pytest.fixture
async def other_camera() -> AsyncIterator[RTCPeerConnection]:
    """Of another host."""
    async with peers.peer() as connection:
        yield connection


@pytest.fixture
async def screen() -> AsyncIterator[RTCPeerConnection]:
    """Of a viewer."""
    async with peers.peer() as connection:
        yield connection


async def _failed(serving: asyncio.Task[None]) -> tuple[Node, int]:
    await serving
    raise AssertionError("the server ended before it was ready")
