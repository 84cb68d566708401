"""Media through the plane, with aiortc on both ends: aiortc encodes and decodes, we only forward."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription, VideoStreamTrack, rtcdtlstransport

from media.config import MediaConfig
from media.errors import BadOffer, UnsupportedMedia
from media.node import MediaNode
from media.views import Publisher
from tests.media.rtc import HOST, Log, ToneTrack, peer_connection, publish, receive, track


@pytest.fixture
async def connections() -> AsyncIterator[list[RTCPeerConnection]]:
    opened = [peer_connection() for _ in range(3)]
    yield opened
    await asyncio.gather(*(pc.close() for pc in opened))


@pytest.mark.parametrize("prefer_passive", [False, True])
async def test_a_viewer_sees_and_hears(
    node: MediaNode, connections: list[RTCPeerConnection], prefer_passive: bool
) -> None:
    host, viewer, _ = connections
    log = Log()
    await publish(node, host, Log(), prefer_passive=prefer_passive)
    await receive(node, viewer, log, prefer_passive=prefer_passive)
    async with asyncio.timeout(20):
        pictures = [await track(viewer, "video").recv() for _ in range(10)]
        sounds = [await track(viewer, "audio").recv() for _ in range(10)]
    assert {(picture.width, picture.height) for picture in pictures} == {(640, 480)}
    assert all(later.pts > earlier.pts for earlier, later in itertools.pairwise(pictures))
    assert all(sound.sample_rate == 48000 for sound in sounds)
    await log.until(lambda: log.shows("main") and log.shows("audio-1"))
    stats = node.stats()
    assert stats["rtp_sent"] > 0
    assert stats["dropped_unauthenticated"] == 0


async def test_h264_is_forwarded_too(node: MediaNode, connections: list[RTCPeerConnection]) -> None:
    host, viewer, _ = connections
    transceiver = host.addTransceiver(VideoStreamTrack(), "sendonly")
    codecs = RTCRtpSender.getCapabilities("video").codecs
    transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType == "video/H264"])
    await host.setLocalDescription(await host.createOffer())
    publishing = await node.publish("r", publisher=HOST, offer=host.localDescription.sdp, on_closed=Log().on_closed)
    assert "VP8" not in publishing.answer
    await host.setRemoteDescription(RTCSessionDescription(publishing.answer, "answer"))
    await receive(node, viewer, Log())
    async with asyncio.timeout(20):
        pictures = [await track(viewer, "video").recv() for _ in range(5)]
    assert {(picture.width, picture.height) for picture in pictures} == {(640, 480)}


async def test_a_client_without_gcm_gets_the_other_profile(
    node: MediaNode, connections: list[RTCPeerConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, viewer, _ = connections
    await publish(node, host, Log())
    monkeypatch.setattr(rtcdtlstransport, "SRTP_PROFILES", [rtcdtlstransport.SRTP_AES128_CM_SHA1_80])
    await receive(node, viewer, Log(), prefer_passive=True)
    async with asyncio.timeout(20):
        picture = await track(viewer, "video").recv()
    assert (picture.width, picture.height) == (640, 480)
    (dtls,) = {transceiver.receiver.transport for transceiver in viewer.getTransceivers()}
    assert dtls._ssl.get_selected_srtp_profile() == b"SRTP_AES128_CM_SHA1_80"


async def test_what_came_in_goes_out_once_for_each_viewer(
    node: MediaNode, connections: list[RTCPeerConnection]
) -> None:
    host, *viewers = connections
    for viewer in viewers:
        await receive(node, viewer, Log())
    await publish(node, host, Log())
    async with asyncio.timeout(20):
        for viewer in viewers:
            for _ in range(5):
                await track(viewer, "video").recv()
    stats = node.stats()
    assert stats["rtp_received"] <= stats["rtp_sent"] <= 2 * stats["rtp_received"]


async def test_a_viewer_that_leaves_disturbs_nobody(node: MediaNode, connections: list[RTCPeerConnection]) -> None:
    host, leaving, staying = connections
    gone = Log()
    await publish(node, host, Log())
    await receive(node, leaving, gone)
    await receive(node, staying, Log())
    async with asyncio.timeout(20):
        await track(leaving, "video").recv()
        await leaving.close()
        await gone.until(lambda: gone.closed == ["left"])
        for _ in range(20):
            await track(staying, "video").recv()
    assert (node.stats()["peers"], node.stats()["sinks"]) == (2, 2)


async def test_slots_follow_the_publisher(node: MediaNode, connections: list[RTCPeerConnection]) -> None:
    host, viewer, second = connections
    log = Log()
    receiving = await receive(node, viewer, log)
    assert [(view.slot, view.source) for view in receiving.slots] == [("main", None), ("audio-1", None)]
    publishing = await publish(node, host, Log())
    await log.until(lambda: log.shows("main") and log.shows("audio-1"))
    source = log.slots[-1][0].source
    assert source is not None
    assert (source.publisher, source.name, source.kind, source.publication) == (
        "p-host",
        "Ana",
        "camera",
        publishing.id,
    )
    publishing.end()
    await log.until(lambda: not log.shows("main") and not log.shows("audio-1"))
    await publish(node, second, Log(), publisher=Publisher("p-2", "Bo"))
    await log.until(lambda: log.shows("main"))
    async with asyncio.timeout(20):
        await track(viewer, "video").recv()


async def test_rooms_are_apart(node: MediaNode, connections: list[RTCPeerConnection]) -> None:
    host, viewer, _ = connections
    log = Log()
    await publish(node, host, log, room="a")
    receiving = await receive(node, viewer, log, room="b")
    assert all(view.source is None for view in receiving.slots)


async def test_of_three_on_stage_the_loud_one_speaks(node: MediaNode, connections: list[RTCPeerConnection]) -> None:
    log = Log()
    node.on_speakers = log.on_speakers
    opened = [
        await publish(node, pc, log, publisher=Publisher(person, person, "stage"), microphone=microphone)
        for pc, person, microphone in zip(connections, "abc", (None, ToneTrack(), None), strict=True)
    ]
    await log.until(lambda: bool(log.speakers))
    assert (log.speakers, node.rooms.speakers("r")) == ([("r", ["b"])], ["b"])
    opened[1].end()
    await log.until(lambda: len(log.speakers) > 1)
    assert (log.speakers[1:], node.rooms.speakers("r")) == ([("r", [])], [])


async def test_who_spoke_last_does_not_speak_on_in_an_empty_room(
    node: MediaNode, connections: list[RTCPeerConnection]
) -> None:
    log = Log()
    node.on_speakers = log.on_speakers
    publishing = await publish(node, connections[0], log, microphone=ToneTrack())
    await log.until(lambda: bool(log.speakers))
    publishing.end()
    assert log.speakers == [("r", ["p-host"]), ("r", [])]


async def test_closing_leaves_nothing(node: MediaNode, connections: list[RTCPeerConnection]) -> None:
    host, viewer, _ = connections
    opened = [await publish(node, host, Log()), await receive(node, viewer, Log())]
    async with asyncio.timeout(20):
        await track(viewer, "video").recv()
    for connection in opened:
        connection.end()
        connection.end()
    stats = node.stats()
    assert [stats[gauge] for gauge in ("peers", "sources", "sinks", "addresses")] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("offer", "error"),
    [
        ("", BadOffer),
        ("hello", BadOffer),
        ("v=0\r\n" + "a=x\r\n" * 300_000, BadOffer),
        ("v=0\r\ns=-\r\n", BadOffer),
        ("v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=sendrecv\r\n", BadOffer),
    ],
)
async def test_a_bad_offer_is_refused_and_leaves_nothing(node: MediaNode, offer: str, error: type[Exception]) -> None:
    log = Log()
    with pytest.raises(error):
        await node.publish("r", publisher=Publisher("p", "P"), offer=offer, on_closed=log.on_closed)
    with pytest.raises(error):
        await node.receive("r", offer=offer, on_slots=log.on_slots, on_closed=log.on_closed)
    assert node.stats()["peers"] == 0


async def test_an_offer_that_sends_nothing_cannot_publish(
    node: MediaNode, connections: list[RTCPeerConnection]
) -> None:
    viewer = connections[0]
    viewer.addTransceiver("video", "recvonly")
    await viewer.setLocalDescription(await viewer.createOffer())
    with pytest.raises(UnsupportedMedia):
        await node.publish(
            "r", publisher=Publisher("p", "P"), offer=viewer.localDescription.sdp, on_closed=Log().on_closed
        )


async def test_a_wrong_fingerprint_is_found_out(node: MediaNode, connections: list[RTCPeerConnection]) -> None:
    viewer, log = connections[0], Log()
    viewer.addTransceiver("video", "recvonly")
    await viewer.setLocalDescription(await viewer.createOffer())
    lines = viewer.localDescription.sdp.splitlines()
    forged = "\r\n".join(
        f"a=fingerprint:sha-256 {'AB:' * 31}AB" if line.startswith("a=fingerprint") else line for line in lines
    )
    receiving = await node.receive("r", offer=forged + "\r\n", on_slots=log.on_slots, on_closed=log.on_closed)
    await viewer.setRemoteDescription(RTCSessionDescription(receiving.answer, "answer"))
    await log.until(lambda: log.closed == ["wrong_fingerprint"])
    assert node.stats()["peers"] == 0


async def test_a_taken_port_is_an_os_error(node: MediaNode) -> None:
    other = MediaNode(MediaConfig(host="127.0.0.1", port=node.port))
    with pytest.raises(OSError, match=str(node.port)):
        await other.start()


async def test_viewers_of_every_worker_see_and_hear(connections: list[RTCPeerConnection]) -> None:
    host, *viewers = connections
    node = MediaNode(MediaConfig(host="127.0.0.1", port=0, workers=2))
    await node.start()
    try:
        await publish(node, host, Log())
        for viewer in viewers:
            await receive(node, viewer, Log(), prefer_passive=True)
        async with asyncio.timeout(20):
            for viewer in viewers:
                pictures = [await track(viewer, "video").recv() for _ in range(10)]
                assert {(picture.width, picture.height) for picture in pictures} == {(640, 480)}
                assert (await track(viewer, "audio").recv()).sample_rate == 48000
        stats = node.stats()
        # The host's worker has one of the two, the other worker mirrors camera and microphone for the other.
        assert (stats["sources"], stats["mirrors"]) == (2, 2)
        assert stats["dropped_unauthenticated"] == 0
    finally:
        await node.close()
