"""What clients send may be compressed; what the server sends is not."""

from typing import Any

import pytest
from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode

from server.compression import InboundDeflateFactory

FIRST_FLIGHT_BYTES = 10 * 1448
"""Ten segments (RFC 6928)."""

SECTION = "".join(
    f"a=rtpmap:{n} codec-{n}/90000\r\na=fmtp:{n} id={n * n}\r\na=rtcp-fb:{n} nack pli\r\n" for n in range(35, 105)
)
OFFER = SECTION * 8
"""As long as a browser's with four pictures and four sounds: the sections repeat each other."""


@pytest.fixture
def ends() -> tuple[Extension, Extension]:
    """A client's and the server's end, agreed."""
    client = ClientPerMessageDeflateFactory()
    params, server = InboundDeflateFactory().process_request_params(client.get_request_params(), [])
    return client.process_response_params(params, []), server


def text(message: str) -> Frame:
    return Frame(Opcode.TEXT, message.encode())


def test_an_offer_fits_into_the_first_flight(ends: tuple[Extension, Extension]) -> None:
    client, server = ends
    assert len(OFFER) > FIRST_FLIGHT_BYTES
    for _ in range(2):
        sent = client.encode(text(OFFER))
        assert len(sent.data) < FIRST_FLIGHT_BYTES / 2
        assert bytes(server.decode(sent).data).decode() == OFFER


def test_the_server_sends_as_it_is(ends: tuple[Extension, Extension]) -> None:
    client, server = ends
    for frame in (text(OFFER), Frame(Opcode.TEXT, OFFER.encode(), fin=False), Frame(Opcode.PING, b"ping")):
        assert server.encode(frame) is frame
        assert client.decode(frame) is frame


def test_a_socket_at_rest_keeps_nothing(ends: tuple[Extension, Extension]) -> None:
    client, server = ends
    server.decode(client.encode(text(OFFER)))
    kept: dict[str, Any] = vars(server)
    assert "encoder" not in kept
    assert "decoder" not in kept
