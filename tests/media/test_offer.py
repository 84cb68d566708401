"""Offers as typed values: what browsers write, and what only the hostile do."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import BadOffer, MediaError
from media.offer import Offer

HEAD = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
TRANSPORT = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\na=rtcp-mux\r\n"
VIDEO = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104\r\n" + TRANSPORT + "a=mid:0\r\na=sendonly\r\n"
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:10/sendonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
    "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
    "a=rtpmap:103 H264/90000\r\na=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
    "a=rtpmap:104 rtx/90000\r\na=fmtp:104 apt=103\r\n"
)
SIMULCAST = "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;~h;f,q\r\n"
AUDIO = (
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" + TRANSPORT + "a=mid:1\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\n"
    "a=ssrc:77 cname:x\r\na=ssrc:78 cname:x\r\na=ssrc-group:FID 77 78\r\n"
)


def test_a_simulcast_offer() -> None:
    offer = Offer.parse(HEAD + VIDEO + SIMULCAST + AUDIO)
    video, audio = offer.sections
    assert [(codec.name, codec.payload_type, codec.rtx_payload_type) for codec in video.codecs] == [
        ("VP8", 96, 97),
        ("H264/42e0/1", 103, 104),
    ]
    assert video.rids == ("q", "h", "f")
    assert video.extensions["urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"] == 10
    assert (audio.mid, audio.direction, audio.ssrcs) == ("1", "sendonly", ((77, 78),))
    assert (offer.fingerprints, offer.setup) == ((("sha-256", "AA:BB"),), "actpass")


def test_port_zero_is_a_rejection_unless_the_section_is_bundle_only() -> None:
    rejected = AUDIO.replace("m=audio 9", "m=audio 0")
    assert [section.rejected for section in Offer.parse(HEAD + VIDEO + rejected).sections] == [False, True]
    bundled = rejected + "a=bundle-only\r\n"
    assert [section.rejected for section in Offer.parse(HEAD + VIDEO + bundled).sections] == [False, False]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("a=fingerprint:sha-256 AA:BB\r\n", ""), "fingerprint"),
        (("sha-256", "md5"), "sha-256"),
        (("a=setup:actpass", "a=setup:holdconn"), "setup"),
        (("a=rtcp-mux\r\n", ""), "rtcp-mux"),
        (("a=group:BUNDLE 0 1\r\n", ""), "BUNDLE"),
        (("a=group:BUNDLE 0 1", "a=group:BUNDLE 0"), "BUNDLE"),
        (("a=mid:0", "a=mid:" + "x" * 17), "xxx"),
        (("a=rtpmap:96", "a=rtpmap:960"), "payload type"),
        (("a=extmap:4 ", "a=extmap:0 "), "extmap"),
        (("a=ssrc:77", "a=ssrc:99999999999"), "SSRC"),
        (("m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=audio"), "m-line"),
        (("apt=96", "apt=x"), "section 0"),
    ],
)
def test_what_is_wrong_is_said(change: tuple[str, str], says: str) -> None:
    with pytest.raises(BadOffer, match=says):
        Offer.parse((HEAD + VIDEO + SIMULCAST + AUDIO).replace(*change))


def test_too_long_and_too_many_sections() -> None:
    with pytest.raises(BadOffer, match="characters"):
        Offer.parse(HEAD + VIDEO + "a=x\r\n" * 300_000)
    with pytest.raises(BadOffer, match="sections"):
        Offer.parse(HEAD + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" * 100)


@given(
    st.lists(st.sampled_from((HEAD + VIDEO + SIMULCAST + AUDIO).splitlines(keepends=True)), max_size=60), st.randoms()
)
def test_shuffled_lines_never_break_the_parser(lines: list[str], random: "st.DrawFn") -> None:
    text = "v=0\r\n" + "".join(lines)
    cut = text[: random.randrange(len(text) + 1)]  # type: ignore[attr-defined]
    for candidate in (text, cut):
        with contextlib.suppress(MediaError):
            Offer.parse(candidate)
