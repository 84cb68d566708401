"""The short way in for WebSockets: what sorts, bounds and explains HTTP requests is a sixth of a join, and nothing to them."""

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from server.socket_protocol import SocketProtocol, protocol_of


class SocketEntrance:
    """ASGI middleware, to be put around all others.

    Args:
        app: serves all else.
        path: where WebSockets are opened.
        serve: serves one, which is not accepted yet.
    """

    def __init__(self, app: ASGIApp, *, path: str, serve: Callable[[SocketProtocol], Awaitable[None]]) -> None:
        self._app = app
        self._path = path
        self._serve = serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a WebSocket, or pass the request on."""
        if scope["type"] == "websocket" and scope["path"] == self._path:
            await self._serve(protocol_of(scope))
        else:
            await self._app(scope, receive, send)
