"""A member's WebSocket, as light as it can be: the storm shares the machine with the server that it blows on."""

import asyncio
import struct

_REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: c3Rvcm1zdG9ybXN0b3JtMQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_FIN_TEXT, _FIN_CLOSE, _MASKED = 0x81, 0x88, 0x80
_TEXT, _CLOSE = 1, 8


class MemberSocket:
    """Text messages, each whole in one frame, as the server sends them (RFC 6455 section 5)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, host: str, port: int, path: str = "/ws") -> "MemberSocket":
        """Connect, and upgrade.

        Raises:
            ConnectionError: the server does not upgrade.
        """
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(_REQUEST.format(path=path, host=f"{host}:{port}").encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(head.partition(b"\r\n")[0].decode(errors="replace"))
        return cls(reader, writer)

    def send(self, payload: bytes) -> None:
        """Send a message of up to 64 KiB. A client masks; under the key 0 the payload stays as it is."""
        self._writer.write(struct.pack("!BBH", _FIN_TEXT, _MASKED | 126, len(payload)) + bytes(4) + payload)

    async def receive(self) -> bytes:
        """The next message.

        Raises:
            ConnectionError: the server closed the socket.
        """
        while True:
            opcode, size = await self._reader.readexactly(2)
            if size >= 126:
                size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
            payload = await self._reader.readexactly(size)
            if opcode & 15 == _TEXT:
                return payload
            if opcode & 15 == _CLOSE:
                raise ConnectionError(f"closed with {int.from_bytes(payload[:2])}")

    def close(self) -> None:
        """Leave for good (1000)."""
        self._writer.write(struct.pack("!BB4sH", _FIN_CLOSE, _MASKED | 2, bytes(4), 1000))
        self._writer.close()
