"""uvicorn's WebSocket protocol with a way out for sockets that do not read."""

import asyncio
import socket
from asyncio.transports import BaseTransport

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

UNSENT_LOW_WATER_BYTES = 64 * 1024
"""What the kernel holds unsent for a socket: with megabytes there, a slow reader is noticed minutes late."""

CLOSE_TIMEOUT_S = 2.0


class SocketProtocol(WebSocketsSansIOProtocol):
    """Closing never waits for the peer to read.

    uvicorn holds back everything while the write buffer is full, the close frame too, and a transport that is closed
    stays until its buffer is written: a peer that does not read would keep its socket for as long as TCP allows.
    """

    def connection_made(self, transport: BaseTransport) -> None:
        """Also bound what the kernel buffers unsent."""
        super().connection_made(transport)
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_LOW_WATER_BYTES)

    async def send(self, message: ASGISendEvent) -> None:
        """Also let a close frame pass a full buffer, and end the connection soon after it."""
        if message["type"] == "websocket.close":
            self.writable.set()
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self.transport.abort)
        await super().send(message)
