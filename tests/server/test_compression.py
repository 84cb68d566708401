"""What clients send may be compressed, and long answers are; what goes to all sockets is not."""

from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from server.compression import InboundDeflateFactory
from server.frames import compressed_frame
from tests.media.make_answers import OFFERS
from tests.server.harness import Running

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


def test_a_long_answer_is_read_by_a_client_and_fits_into_two_segments(ends: tuple[Extension, Extension]) -> None:
    client, server = ends
    for _ in range(2):  # nothing of the first helps the second, or hurts it
        frame = compressed_frame(OFFER, server.local_max_window_bits)  # type: ignore[attr-defined]
        assert len(frame) < FIRST_FLIGHT_BYTES / 5
        reader = StreamReader()
        reader.feed_data(frame)
        parser = Frame.parse(reader.read_exact, mask=False, extensions=[client])
        with pytest.raises(StopIteration) as parsed:
            next(parser)
        assert bytes(parsed.value.value.data).decode() == OFFER


class Counted(ClientConnection):
    """Counts what comes over its connection."""

    octets = 0

    def data_received(self, data: bytes) -> None:
        self.octets += len(data)
        super().data_received(data)


async def test_a_real_offer_is_answered_in_two_segments_where_the_client_takes_it_compressed(server: Running) -> None:
    session = await server.session(open=True)
    answers, octets = [], []
    for compression in ("deflate", None):
        client = await server.connect(compression=compression, create_connection=Counted)
        before = client.connection.octets  # type: ignore[attr-defined]
        _, joined = await client.join(session=session, offer=(OFFERS / "chromium.sdp").read_bytes().decode())
        octets.append(client.connection.octets - before)  # type: ignore[attr-defined]
        answers.append([line.split(":")[0] for line in joined["answer"].splitlines()])
    assert answers[0] == answers[1]
    assert octets[0] < 2 * 1448 < octets[1], octets


def test_a_socket_at_rest_keeps_nothing(ends: tuple[Extension, Extension]) -> None:
    client, server = ends
    server.decode(client.encode(text(OFFER)))
    kept: dict[str, Any] = vars(server)
    assert "encoder" not in kept
    assert "decoder" not in kept
