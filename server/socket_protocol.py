"""uvicorn's WebSocket protocol with a way out for sockets that do not read, a short way for frames to those that do, and
compressed messages of clients.
"""

import asyncio
import contextlib
import socket
from asyncio.transports import BaseTransport

from starlette.types import Scope
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from server.compression import LARGE_OCTETS, InboundDeflate, InboundDeflateFactory
from server.frames import compressed_frame, text_frame

UNSENT_LOW_WATER_BYTES = 64 * 1024
"""What the kernel holds unsent for a socket: with megabytes there, a slow reader is noticed minutes late."""

READ_AHEAD = 4
"""Messages that may wait for the application before no more are read: to stop and begin again for each costs two system calls."""

CLOSE_TIMEOUT_S = 2.0

_EXTENSION = "livetrial.protocol"


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's, which lets go of its parser where a connection becomes a WebSocket: the two of them hold each other."""

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over."""
        super().handle_websocket_upgrade()
        self.parser = None  # type: ignore[assignment]  # nothing is read by it any more


class SocketProtocol(WebSocketsSansIOProtocol):
    """Closing never waits for the peer to read.

    uvicorn holds back everything while the write buffer is full, the close frame too, and a transport that is closed
    stays until its buffer is written: a peer that does not read would keep its socket for as long as TCP allows.
    """

    def connection_made(self, transport: BaseTransport) -> None:
        """Also bound what the kernel buffers unsent, and let clients compress."""
        super().connection_made(transport)
        self.conn.available_extensions = [InboundDeflateFactory()]
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_LOW_WATER_BYTES)

    def handle_connect(self, event: Request) -> None:
        """Also offer the application the way past ASGI."""
        super().handle_connect(event)
        if (scope := getattr(self, "scope", None)) is not None:  # none where the handshake was refused
            scope["extensions"][_EXTENSION] = self

    def connection_lost(self, exc: Exception | None) -> None:
        """Also undo what holds this object in circles, so that it goes with its socket and not when the garbage collector comes."""
        super().connection_lost(exc)
        self.conn.parser.close()
        if (scope := getattr(self, "scope", None)) is not None:
            scope["extensions"].pop(_EXTENSION, None)

    def send_receive_event_to_app(self) -> None:
        """Also read a few messages ahead, where uvicorn stops reading after each."""
        paused, self.read_paused = self.read_paused, True
        super().send_receive_event_to_app()
        self.read_paused = paused
        if not paused and self.queue.qsize() > READ_AHEAD:
            self.read_paused = True
            self.transport.pause_reading()

    def accept(self) -> None:
        """Complete the opening handshake: what uvicorn does upon `websocket.accept`, which is mostly about headers that are not here.
        Nothing where the peer has gone already."""
        self.queue.get_nowait()  # `websocket.connect`
        if self.handshake_complete or self.transport.is_closing():
            return
        del self.response.headers["Date"]  # which uvicorn brings
        self.response.headers.update((name.decode(), value.decode()) for name, value in self.default_headers)
        self.handshake_complete = True
        self.conn.send_response(self.response)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.start_keepalive()

    async def end(self, code: int) -> None:
        """Close with a code. Nothing where the peer has gone in this moment."""
        with contextlib.suppress(RuntimeError, ClientDisconnected):
            await self.send({"type": "websocket.close", "code": code})

    def write_now(self, frame: bytes) -> bool:
        """Write a frame that is ready for the wire; False, and not written, where the socket cannot take it now."""
        if not self._open or not self.writable.is_set():
            return False
        self.transport.write(frame)
        return True

    def frame_of(self, text: str) -> bytes:
        """The frame of a message for this socket alone: compressed where that is worth it and agreed."""
        if len(text) >= LARGE_OCTETS:
            for extension in self.conn.extensions:
                if isinstance(extension, InboundDeflate):
                    return compressed_frame(text, extension.local_max_window_bits)
        return text_frame(text)

    async def write_frame(self, frame: bytes) -> None:
        """Write it as soon as the socket takes it. Raises `ClientDisconnected` when it never will."""
        await self.writable.wait()
        if not self._open:
            raise ClientDisconnected
        self.transport.write(frame)

    @property
    def _open(self) -> bool:
        ended = self.disconnected or self.close_sent or self.transport.is_closing()
        return self.handshake_complete and not ended

    async def send(self, message: ASGISendEvent) -> None:
        """Also let a close frame pass a full buffer, and end the connection soon after it."""
        if message["type"] == "websocket.close":
            self.writable.set()
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self.transport.abort)
        await super().send(message)


def protocol_of(scope: Scope) -> SocketProtocol:
    """The protocol that serves a WebSocket."""
    protocol: SocketProtocol = scope["extensions"][_EXTENSION]
    return protocol
