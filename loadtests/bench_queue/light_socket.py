"""A member's WebSocket, as light as can be: thousands share the machine with the server under test.

Frames of a server are not masked (RFC 6455, 5.1), so that the same message is the same octets on all connections and is
read once. A client has to mask; with the key 0 the payload stays as it is.
"""

import asyncio
import base64
import os
import struct
from collections.abc import Callable
from typing import Any

import msgspec

OPCODE_TEXT, OPCODE_CLOSE, OPCODE_PING, OPCODE_PONG = 0x1, 0x8, 0x9, 0xA
_FIN, _MASKED = 0x80, 0x80


class Seen(msgspec.Struct):
    """What is read of a message."""

    type: str
    seq: int = 0
    cmd: str | None = None
    code: str | None = None
    message: str | dict[str, Any] | None = None


_decode = msgspec.json.Decoder(Seen).decode


class LastMessage:
    """The message that was read last on any connection, since the next one mostly gets the same."""

    def __init__(self) -> None:
        self._payload = b""
        self._seen = Seen("")

    def read(self, payload: bytes) -> Seen:
        """What is in a message."""
        if payload != self._payload:
            self._payload, self._seen = payload, _decode(payload)
        return self._seen


class LightSocket(asyncio.Protocol):
    """One connection, from the upgrade on.

    Args:
        host: for the request.
        join: the first message.
        last: shared by all connections.
        on_message: called with this socket and each message.

    Attributes:
        joined: done with the position of the log when `joined` came; fails when the socket ended before.
        octets: received after that, with the frames' headers.
        ended: done when the connection has ended.
    """

    def __init__(
        self, host: str, join: bytes, last: LastMessage, on_message: "Callable[[LightSocket, Seen], None]"
    ) -> None:
        self._host, self._join, self._last, self._on_message = host, join, last, on_message
        self._buffer = b""
        self._upgraded = False
        self._transport: Any = None
        self.joined: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.octets = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ("GET /ws HTTP/1.1", f"Host: {self._host}", "Upgrade: websocket", "Connection: Upgrade")
        request = "\r\n".join((*lines, f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", ""))
        self._transport.write(request.encode())

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        self.ended.set_result(None)
        if not self.joined.done():
            self.joined.set_exception(ConnectionError("the server closed the connection"))

    def send(self, payload: bytes) -> None:
        """Send a text message of up to 64 KiB."""
        self._send_frame(OPCODE_TEXT, payload)

    def close(self) -> None:
        """Leave for good."""
        self._send_frame(OPCODE_CLOSE, struct.pack("!H", 1000))

    def data_received(self, data: bytes) -> None:
        """Take octets."""
        self.octets += len(data)
        if self._buffer:
            data = self._buffer + data
        at = 0 if self._upgraded else self._upgrade(data)
        while self._upgraded and (end := _end_of_frame(data, at)) is not None:
            self._frame(data[at] & 0x0F, data[end[0] : end[1]])
            at = end[1]
        self._buffer = data[at:]

    def _upgrade(self, data: bytes) -> int:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return 0
        if not data.startswith(b"HTTP/1.1 101"):
            self._transport.abort()
            return len(data)
        self._upgraded = True
        self.send(self._join)
        return end + 4

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == OPCODE_TEXT:
            self._message(self._last.read(payload))
        elif opcode == OPCODE_PING:
            self._send_frame(OPCODE_PONG, payload)
        elif opcode == OPCODE_CLOSE:
            self._transport.close()

    def _message(self, seen: Seen) -> None:
        if self.joined.done():
            self._on_message(self, seen)
        elif seen.type == "joined":
            self.octets = 0
            self.joined.set_result(seen.seq)
        elif seen.type != "waiting":  # the place in the queue at the door; `joined` follows
            self.joined.set_exception(ConnectionError(f"not admitted: {seen.code}: {seen.message}"))

    def _send_frame(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes((_MASKED | size,)) if size < 126 else struct.pack("!BH", _MASKED | 126, size)
        self._transport.write(b"".join((bytes((_FIN | opcode,)), length, bytes(4), payload)))


def _end_of_frame(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the frame at `at` begins and ends; None while it is not whole."""
    if len(data) < at + 2:
        return None
    size, begin = data[at + 1], at + 2
    if size == 126:
        size, begin = int.from_bytes(data[at + 2 : at + 4]), at + 4
    elif size == 127:
        size, begin = int.from_bytes(data[at + 2 : at + 10]), at + 10
    return (begin, begin + size) if len(data) >= begin + size else None
