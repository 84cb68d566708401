"""Runs a node until it is told to stop."""

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from server import demo, demo_media
from server.app import create_app, entrance
from server.config import Settings
from server.links import host_page, member_page
from server.node import Node, running
from server.socket_protocol import HttpProtocol, SocketProtocol
from signaling.codec import MAX_MESSAGE_BYTES
from store.sessions import SessionRecord

logger = logging.getLogger(__name__)

PING_S = 20.0
GRACE_S = 2
"""What open requests and sockets get at the end."""


class HttpServer(uvicorn.Server):
    """uvicorn, leaving signals to us: it would raise them again while the store is being shut down."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Also tell when connections are taken."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


class HttpConfig(uvicorn.Config):
    """uvicorn's, with the entrance of WebSockets before its own middleware too."""

    def __init__(self, node: Node, **options: Any) -> None:
        super().__init__(create_app(node), **options)
        self._node = node

    def load(self) -> None:
        """Make the application ready."""
        super().load()
        self.loaded_app = entrance(self._node, self.loaded_app)


async def serve(settings: Settings, *, on_ready: Callable[[Node, int], None], stop: asyncio.Event) -> None:
    """Run a node until `stop` is set.

    Args:
        on_ready: called with the node and its HTTP port once connections are taken.
        stop: set it to end: sockets are closed with 1012, media closed, the store shut down.

    Raises:
        OSError: a port is taken.
        StoreError: the store cannot be opened.
    """
    with bound(settings.http_host, settings.http_port) as listener:
        port: int = listener.getsockname()[1]
        async with running(settings) as node:
            server = HttpServer(_uvicorn_config(node))
            serving = asyncio.create_task(server.serve([listener]))
            await server.ready.wait()
            tasks = [asyncio.create_task(_run_demo(node, port))] if settings.demo else []
            on_ready(node, port)
            try:
                await stop.wait()
            finally:
                # The demo says goodbye while the server still answers.
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                server.should_exit = True
                await serving


def stop_on_signals() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def bound(host: str, port: int) -> socket.socket:
    """A listening socket; "::" takes IPv4 too. Raises `OSError` that names the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048, dualstack_ipv6=host == "::")
    except OSError as error:
        raise OSError(error.errno, f"the HTTP port {port} cannot be used: {error.strerror}") from error


def demo_links(node: Node, base: str) -> dict[str, str]:
    """The demo's pages, the host's with a token."""
    token = node.tokens.mint(demo.SESSION, "host")
    return {"member": member_page(base, demo.SESSION, None), "host": host_page(base, demo.SESSION, token, None)}


def _uvicorn_config(node: Node) -> uvicorn.Config:
    options: dict[str, Any] = {
        "http": HttpProtocol,
        "ws": SocketProtocol,
        "ws_max_size": MAX_MESSAGE_BYTES,
        "ws_ping_interval": PING_S,
        "ws_ping_timeout": PING_S,
        # `SocketProtocol` has its own, for what clients send alone.
        "ws_per_message_deflate": False,
        "timeout_graceful_shutdown": GRACE_S,
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
    }
    return HttpConfig(node, **options)


async def _run_demo(node: Node, http_port: int) -> None:
    """The demo session and its host."""
    try:
        if await node.sessions.get(demo.SESSION) is None:
            await node.sessions.create(
                SessionRecord(id=demo.SESSION, title="Demo", open=True, created_at=int(time.time() * 1000))
            )
        http_host = demo.reachable_here(node.settings.http_host)
        http_host = f"[{http_host}]" if ":" in http_host else http_host
        host = demo.DemoHost(
            whip_url=f"http://{http_host}:{http_port}/whip/{demo.SESSION}",
            token=lambda: node.tokens.mint(demo.SESSION, "host", person=demo.HOST_PERSON, name=demo.HOST_NAME),
            media_address=(demo.reachable_here(node.settings.media_host), node.media.port),
            loop=await demo_media.load(node.settings.data_dir),
        )
        await host.run()
    except Exception:
        logger.exception("there is no demo")
