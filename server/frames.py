"""Text messages as WebSocket frames (RFC 6455, 5.2). A server's are not masked, so one frame serves all sockets."""

import struct

_FIN_TEXT = 0x81


def text_frame(text: str) -> bytes:
    """A whole text message as one frame."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", _FIN_TEXT, size) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", _FIN_TEXT, 126, size) + payload
    return struct.pack("!BBQ", _FIN_TEXT, 127, size) + payload
