"""Which codecs, extensions and feedback we take of an offer."""

from pathlib import Path

import pytest

from media import answer, negotiation
from media.answer import AnsweredSection, Transport
from media.errors import UnsupportedMedia
from media.offer import Offer, OfferedSection
from media.sections import sending_answer, slot_names

LINES = {
    "VP8": "a=rtpmap:96 VP8/90000",
    "VP9": "a=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=0",
    "VP9 profile 2": "a=rtpmap:100 VP9/90000\r\na=fmtp:100 profile-id=2",
    "H264": "a=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1;profile-level-id=42e01f",
    "H264 mode 0": "a=rtpmap:104 H264/90000\r\na=fmtp:104 packetization-mode=0;profile-level-id=42e01f",
    "AV1": "a=rtpmap:45 AV1/90000\r\na=fmtp:45 level-idx=5;profile=0;tier=0",
    "AV1 profile 1": "a=rtpmap:47 AV1/90000\r\na=fmtp:47 level-idx=5;profile=1;tier=0",
    "av1": "a=rtpmap:49 av1/90000",
}
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
DEPENDENCIES = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
ALLOCATION = "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00"


def offer(*codecs: str, extensions: tuple[str, ...] = ()) -> Offer:
    """An offer of one video section with these codecs in their order."""
    lines = [LINES[codec] for codec in codecs]
    formats = " ".join(line.split(":")[1].split(" ")[0] for line in lines)
    head = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", f"m=video 9 UDP/TLS/RTP/SAVPF {formats}"]
    transport = ["a=rtcp-mux", "a=mid:0", "a=sendonly", "a=fingerprint:sha-256 AA:BB", "a=setup:actpass"]
    extmap = [f"a=extmap:{number} {uri}" for number, uri in enumerate(extensions, start=1)]
    return Offer.parse("\r\n".join([*head, *transport, *extmap, *lines]) + "\r\n")


def section(*codecs: str) -> OfferedSection:
    return offer(*codecs).sections[0]


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["VP8", "VP9", "H264", "AV1"], "VP8"),
        (["H264", "VP8"], "VP8"),
        (["VP9", "VP8"], "VP9/0"),
        (["VP9 profile 2", "VP9", "VP8"], "VP9/0"),
        (["AV1", "VP9", "VP8"], "AV1/0"),
        (["AV1"], "AV1/0"),
        (["av1"], "AV1/0"),
        (["H264 mode 0", "H264"], "H264/42e0/1"),
        (["H264", "AV1 profile 1"], "H264/42e0/1"),
        (["H264", "AV1"], "AV1/0"),
    ],
)
def test_a_publisher_sends_its_first_codec_that_every_browser_decodes(offered: list[str], chosen: str) -> None:
    assert negotiation.publishable(section(*offered)).name == chosen


@pytest.mark.parametrize("offered", [["H264 mode 0"], ["VP9 profile 2", "AV1 profile 1"]])
def test_nothing_that_all_could_decode(offered: list[str]) -> None:
    with pytest.raises(UnsupportedMedia, match="VP8, VP9, AV1 or H264"):
        negotiation.publishable(section(*offered))
    with pytest.raises(UnsupportedMedia):
        negotiation.receivable(section(*offered))


def test_a_subscriber_takes_all_that_publishers_may_send() -> None:
    taken = negotiation.receivable(section(*LINES))
    assert [codec.name for codec in taken] == ["VP8", "VP9/0", "H264/42e0/1", "AV1/0", "AV1/0"]


def test_layer_allocations_are_for_us_alone() -> None:
    offered = offer("VP8", extensions=(DEPENDENCIES, ALLOCATION)).sections[0]
    assert negotiation.accepted_extensions(offered, publishing=True) == {DEPENDENCIES: 1, ALLOCATION: 2}
    assert negotiation.accepted_extensions(offered, publishing=False) == {DEPENDENCIES: 1}
    assert negotiation.plane_extensions([{DEPENDENCIES: 1, ALLOCATION: 2}]) == {
        "dependency-descriptor": 1,
        "video-layers-allocation": 2,
    }


@pytest.mark.parametrize(
    ("extensions", "feedback", "other"),
    [((TRANSPORT_CC,), "transport-cc", "goog-remb"), ((), "goog-remb", "transport-cc")],
)
def test_a_publisher_learns_its_uplink_one_way_or_the_other(
    extensions: tuple[str, ...], feedback: str, other: str
) -> None:
    offered = offer("VP8", extensions=extensions)
    accepted = negotiation.accepted_extensions(offered.sections[0], publishing=True)
    answered = AnsweredSection(codecs=offered.sections[0].codecs, extensions=accepted, receives=True)
    text = answer.write(offered, [answered], Transport("u", "p", "AA", "client", []))
    assert f"a=rtcp-fb:96 {feedback}\r\n" in text
    assert other not in text


def test_a_subscriber_reports_what_arrives_where_it_is_adapted_to_its_link() -> None:
    offered = offer("VP8", extensions=(TRANSPORT_CC,))
    transport = Transport(ufrag="u", pwd="p", fingerprint="f", role="client", candidates=[])
    for adaptive, expected in ((True, ["a=extmap:1 " + TRANSPORT_CC, "a=rtcp-fb:96 transport-cc"]), (False, [])):
        answered = sending_answer(offered.sections[0], "main", adaptive=adaptive)
        lines = answer.write(offered, [answered], transport).splitlines()
        assert [line for line in lines if "transport" in line] == expected


@pytest.mark.parametrize(
    ("browser", "adaptive", "streams"), [("chromium", True, 4), ("chromium", False, 0), ("firefox", True, 0)]
)
def test_repair_packets_are_answered_to_who_offers_them_and_reports(browser: str, adaptive: bool, streams: int) -> None:
    offered = Offer.parse((Path(__file__).parent / "offers" / f"{browser}.sdp").read_bytes().decode())
    answers = [
        sending_answer(section, slot, adaptive=adaptive) if slot else AnsweredSection()
        for section, slot in zip(offered.sections, slot_names(offered), strict=True)
    ]
    lines = answer.write(offered, answers, Transport("u", "p", "AA", "client", [])).splitlines()
    groups = [line.split() for line in lines if line.startswith("a=ssrc-group:FEC-FR")]
    assert len(groups) == streams == len([line for line in lines if line.startswith("a=fmtp:49 repair-window")])
    assert len([line for line in lines if line == "a=rtpmap:49 flexfec-03/90000"]) == streams
    media = {answered.stream.ssrc: answered.stream.fec_ssrc for answered in answers if answered.stream}
    assert all(media[int(group[1])] == int(group[2]) for group in groups)
    assert all(f"a=ssrc:{group[2]} cname:" in "\n".join(lines) for group in groups)
