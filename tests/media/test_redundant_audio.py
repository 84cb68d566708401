"""RED (RFC 2198): who may send it, and who is sent it."""

import pytest

from media import answer, negotiation, sections
from media.answer import Transport
from media.offer import Offer, OfferedSection

OPUS = ["a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1"]
RED = ["a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111"]


def offer(formats: str, *lines: str, kind: str = "audio") -> Offer:
    head = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", f"m={kind} 9 UDP/TLS/RTP/SAVPF {formats}"]
    transport = ["a=rtcp-mux", "a=mid:0", "a=sendrecv", "a=fingerprint:sha-256 AA:BB", "a=setup:actpass"]
    return Offer.parse("\r\n".join([*head, *transport, *lines]) + "\r\n")


def section(formats: str, *lines: str) -> OfferedSection:
    return offer(formats, *lines).sections[0]


def payload_types(codecs: tuple[negotiation.OfferedCodec, ...]) -> list[int]:
    return [codec.payload_type for codec in codecs]


@pytest.mark.parametrize("formats", ["63 111", "111 63"])
def test_the_publishers_order_stands(formats: str) -> None:
    taken = negotiation.published(section(formats, *OPUS, *RED), redundant_audio=True)
    assert payload_types(taken) == [int(payload_type) for payload_type in formats.split()]


def test_the_server_may_decline_it() -> None:
    offered = section("63 111", *OPUS, *RED)
    assert payload_types(negotiation.published(offered, redundant_audio=False)) == [111]
    assert payload_types(tuple(sections.receiving_answer(offered, redundant_audio=False).codecs)) == [111]


@pytest.mark.parametrize(
    "red",
    [
        ["a=rtpmap:63 red/48000/2", "a=fmtp:63 9/9"],
        ["a=rtpmap:63 red/48000/2"],
        ["a=rtpmap:63 red/8000", "a=fmtp:63 111/111"],
        ["a=rtpmap:63 RED/48000/1", "a=fmtp:63 111/111"],
    ],
)
def test_red_of_something_else_is_not_taken(red: list[str]) -> None:
    offered = section("63 111", *OPUS, *red)
    assert payload_types(negotiation.published(offered, redundant_audio=True)) == [111]
    assert payload_types(negotiation.receivable(offered)) == [111]


def test_a_subscriber_that_offers_it_gets_it() -> None:
    offered = offer("111 63 9", *OPUS, *RED, "a=rtpmap:9 G722/8000")
    answered = sections.sending_answer(offered.sections[0], "audio-1")
    text = answer.write(offered, [answered], Transport("u", "p", "AA", "client", []))
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n" in text
    assert "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n" in text
    assert [codec.name for codec in answered.codecs] == ["opus", "red"]


def test_red_of_video_is_not_taken() -> None:
    offered = offer("96 98", "a=rtpmap:96 VP8/90000", "a=rtpmap:98 red/90000", "a=fmtp:98 96/96", kind="video")
    assert payload_types(negotiation.receivable(offered.sections[0])) == [96]
