"""Bytes to messages and messages to text."""

import msgspec

from signaling import VERSION
from signaling.errors import BadMessage, UnsupportedVersion
from signaling.fields import CommandId
from signaling.messages import ClientMessage, Join, Publish, Receive, Restart, ServerMessage

MAX_MESSAGE_BYTES = 256 * 1024
"""The longest message; the WebSocket layer closes with 1009 beyond it, so that it is never assembled."""

MAX_COMMAND_BYTES = 8 * 1024
"""The longest message without an SDP."""


class _Envelope(msgspec.Struct):
    """What can be read of a message that is malformed otherwise."""

    cmd: CommandId | None = None
    v: int = VERSION


_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_envelope_decoder = msgspec.json.Decoder(_Envelope)
_encoder = msgspec.json.Encoder()

# Beside its own errors msgspec raises UnicodeError for text that is no UTF-8, and RecursionError for deep nesting.
_MALFORMED = (msgspec.DecodeError, UnicodeError, RecursionError)


def decode(data: str | bytes) -> ClientMessage:
    """Parse one message of a client.

    Raises:
        BadMessage: it is too long, not JSON, of unknown type, or a field is missing, mistyped or out of bounds.
            It carries the command id where that much could be read.
        UnsupportedVersion: a `join` of another protocol version, whatever else it says.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise BadMessage(f"a message has at most {MAX_MESSAGE_BYTES} bytes")
    try:
        message = _decoder.decode(data)
    except _MALFORMED as error:
        envelope = _envelope(data)
        if envelope.v != VERSION:
            raise _unsupported(envelope.v) from error
        raise BadMessage(str(error), cmd=envelope.cmd) from error
    if isinstance(message, Join):
        if message.v != VERSION:
            raise _unsupported(message.v)
    elif len(data) > MAX_COMMAND_BYTES and not isinstance(message, Publish | Receive | Restart):
        raise BadMessage(f"a command has at most {MAX_COMMAND_BYTES} bytes", cmd=getattr(message, "cmd", None))
    return message


def encode(message: ServerMessage) -> str:
    """One message as the text of a WebSocket frame."""
    return _encoder.encode(message).decode()


def _envelope(data: str | bytes) -> _Envelope:
    try:
        return _envelope_decoder.decode(data)
    except _MALFORMED:
        return _Envelope()


def _unsupported(version: int) -> UnsupportedVersion:
    return UnsupportedVersion(f"this server speaks version {VERSION}, not {version}")
