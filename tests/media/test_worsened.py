"""A link that worsens brings the next pass of the adaptation forward: from the plane's event, through a node, to a viewer's bounds."""

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from livetrial_plane import Codec
from media import node as media_node
from media.adaptation import Bounds
from media.config import MediaConfig
from media.node import MediaNode
from tests.plane.peers import Peer, until

VP8 = Codec("VP8", 96, clock_rate=90_000)
SOURCE_SSRC = 5_000
PACKETS = 8
"""Of the picture that is shown, and thus of each report."""

KEYFRAME = bytes([0x10, 0x00, 0x00, 0x00, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0xE0, 0x01]) + bytes(240)
"""Descriptor with the S bit (RFC 7741 section 4.2), and the beginning of a 640x480 keyframe."""

REST = bytes(len(KEYFRAME))
"""What follows in the same picture."""

APART_TICKS = 32
"""8 ms, so that the link carries 300 kbit/s: less than what is wished."""


@pytest.fixture
async def idle_node(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MediaNode]:
    """Its adaptation comes once an hour, unless something brings it forward."""
    monkeypatch.setattr(media_node, "POLICY", replace(media_node.POLICY, interval_s=3600.0))
    node = MediaNode(MediaConfig(host="127.0.0.1", port=0))
    await node.start()
    yield node
    await node.close()


def picture(publisher: Peer) -> None:
    for index in range(PACKETS):
        marker = 0x80 if index == PACKETS - 1 else 0
        header = struct.pack("!BBHII", 0x80, marker | 96, index, 90_000, SOURCE_SSRC)
        publisher.socket.send(publisher.outbound.protect(header + (REST if index else KEYFRAME)))


def arrive(viewer: Peer, packets: int) -> None:
    """Wait until so many more have come."""
    while packets:
        packets -= viewer.socket.recv(2048)[1] & 0x7F == 96


def feedback(base: int, arrivals: Sequence[int | None]) -> bytes:
    """Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01): ticks of 250 µs after the packet before, or None."""
    symbols = sum(1 << (13 - index) for index, ticks in enumerate(arrivals) if ticks is not None)
    deltas = bytes(ticks for ticks in arrivals if ticks is not None)
    body = struct.pack("!IIHHIH", 1, 1, base, len(arrivals), 100 << 8, 0b10 << 14 | symbols) + deltas
    body += bytes(-len(body) % 4)
    return struct.pack("!BBH", 0x80 | 15, 205, len(body) // 4) + body


async def test_a_link_that_begins_to_lose_has_its_viewer_bound_before_the_next_pass_is_due(
    idle_node: MediaNode,
) -> None:
    link, adaptation = idle_node._link, idle_node._adaptation
    assert adaptation is not None
    plane, source, sink = link.plane, link.next_id(), link.next_id()
    told: asyncio.Queue[Bounds] = asyncio.Queue()
    with Peer(plane, link.next_id()) as publisher, Peer(plane, link.next_id()) as viewer:
        publisher.join(plane)
        viewer.join(plane, extensions={"transport-cc": 3})
        plane.add_source(
            source, peer=publisher.id, kind="video", mid="0", codecs=[VP8], rids=[], ssrcs=[(SOURCE_SSRC, 0)]
        )
        plane.add_sink(sink, peer=viewer.id, mid="0", ssrc=6_000, rtx_ssrc=0, cname="c", codecs=[VP8])
        # Of a source that nothing has arrived of more is assumed than this link carries.
        adaptation.wish(adaptation.add(viewer.id, told.put_nowait), "main", link.next_id(), 2)
        picture(publisher)
        until(plane, "rtp_received", PACKETS)

        def show(base: int, arrivals: Sequence[int | None]) -> None:
            # From the cache, so that the first picture's packets leave together.
            plane.route(sink, None)
            plane.route(sink, source)
            arrive(viewer, PACKETS)
            heard = plane.stats()["feedback_received"]
            viewer.socket.send(viewer.outbound.protect_rtcp(feedback(base, arrivals)))
            until(plane, "feedback_received", heard + 1)

        show(0, [0] + [APART_TICKS] * (PACKETS - 1))
        assert (plane.snapshot()["estimate_bps"] < 500_000).all()
        show(PACKETS, [0, None] * (PACKETS // 2))
        async with asyncio.timeout(20):
            bounds = await told.get()
        assert bounds["main"] is not None
