"""Bounds what a request may make this server hold."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.problems import ApiError

MAX_BODY_BYTES = 256 * 1024
"""An SDP of a browser has some 10 KiB; everything else is smaller."""


class BodyLimit:
    """ASGI middleware; a body over the limit is answered 413, and read no further.

    FastAPI reads a body before it asks whether the caller may send one, so the limit comes first.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._max_bytes:
                detail = f"a body has at most {self._max_bytes} bytes"
                raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", detail)
            return message

        await self._app(scope, counted, send)
