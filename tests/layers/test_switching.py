"""Hundreds of random switches in a row decode without an error, to exactly the pictures that were sent.

Recordings of Chromium run through a real plane, several times as fast as they were made. Each picture that comes out must be one of
the recording's with some of its spatial layers, whole, and decode to the very same octets as in a decoder that was sent all of
them from the beginning: a reference that is missing or wrong would show.
"""

import random
import select
import socket
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator

import av
import pytest

import livetrial_plane
from tests.layers.depacketize import Ids, begins_keyframe, coded_picture, descriptor
from tests.layers.recording import Packet, Recording
from tests.plane.peers import FIRST_OF_DTLS, Peer

DECODERS = {"VP8": "libvpx", "VP9": "libvpx-vp9", "H264": "h264", "AV1": "libdav1d"}
SWITCHES = 300
MOMENT_S = 0.003
"""A thirtieth of a second of the recording: ten times as fast as it was made."""
SETTLED = 25
"""Moments after which a switch has been carried out: more than there are between two keyframes."""
SSRC, SINK = 9000, 99

Shown = tuple[int, int, int]
"""Width, height and checksum of a decoded picture."""


class Decoder:
    """What becomes of pictures."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self.context = av.CodecContext.create(DECODERS[codec.split("/")[0]], "r")
        self.context.thread_count = 1
        self.shown: dict[int, Shown] = {}
        """By the number of the picture."""

    def feed(self, number: int, coded: bytes | None) -> None:
        """Decode one picture; None: show what is still kept back."""
        packet = None
        if coded is not None:
            packet = av.Packet(coded)
            packet.pts = number
        for frame in self.context.decode(packet):
            assert not frame.is_corrupt
            pixels = frame.to_ndarray(format="yuv420p")
            assert frame.pts not in self.shown
            self.shown[frame.pts] = (frame.width, frame.height, zlib.crc32(pixels.tobytes()))


class Source:
    """A recording as moments: one picture of each encoding, as they arrived."""

    def __init__(self, name: str) -> None:
        self.recording = Recording.load(name)
        self.packets = [Packet.parse(packet) for packet in self.recording.packets]
        self.spatial = list(self._spatial())
        self.moments = list(self._moments())
        self.known = self._reference()

    def _spatial(self) -> Iterator[int]:
        """The spatial layer of each packet. A picture's frames come lowest first."""
        number = self.recording.extensions.get("dependency-descriptor", 0)
        picture, frames = None, 0
        for packet in self.packets:
            if self.recording.codec.startswith("VP9"):
                yield descriptor(self.recording.codec, packet.payload)[1].spatial_id
                continue
            if (packet.ssrc, packet.timestamp) != picture:
                picture, frames = (packet.ssrc, packet.timestamp), 0
            frames += packet.extensions.get(number, b"\0")[0] >> 7
            yield max(frames - 1, 0)

    def _moments(self) -> Iterator[list[int]]:
        """Indices of packets."""
        moment: list[int] = []
        done: set[int] = set()
        for index, packet in enumerate(self.packets):
            if packet.ssrc in done:
                yield moment
                moment, done = [], set()
            moment.append(index)
            if packet.marker:
                done.add(packet.ssrc)

    def _reference(self) -> dict[bytes, set[Shown]]:
        """What every picture decodes to, with layers up to each spatial one, from the first keyframe on."""
        known = defaultdict(set)
        for ssrc in self.recording.ssrcs:
            pictures: dict[int, list[int]] = defaultdict(list)
            for index, packet in enumerate(self.packets):
                if packet.ssrc == ssrc:
                    pictures[packet.timestamp].append(index)
            for limit in range(max(self.spatial) + 1):
                decoder, coded = Decoder(self.recording.codec), {}
                sent = ([index for index in indices if self.spatial[index] <= limit] for indices in pictures.values())
                # An encoder that is short of bits leaves out single layers of a picture, the lowest too.
                for number, indices in enumerate(filter(None, sent)):
                    payloads = [self.packets[index].payload for index in indices]
                    coded[number] = coded_picture(self.recording.codec, payloads)
                    decoder.feed(number, coded[number])
                decoder.feed(0, None)
                for number, shown in decoder.shown.items():
                    known[coded[number]].add(shown)
        return known

    def height(self, encoding: int, spatial: int | None) -> int:
        """Of the pictures of an encoding with spatial layers up to this."""
        ssrc, limit = self.recording.ssrcs[encoding], max(self.spatial) if spatial is None else spatial
        indices = [
            index for index, packet in enumerate(self.packets) if packet.ssrc == ssrc and self.spatial[index] <= limit
        ]
        keyframe = self.packets[indices[0]].timestamp
        payloads = [self.packets[index].payload for index in indices if self.packets[index].timestamp == keyframe]
        (shown,) = self.known[coded_picture(self.recording.codec, payloads)]
        return shown[1]


class Viewer:
    """The far end: what a browser does with what it gets, and what it would hold against it."""

    def __init__(self, source: Source, peer: Peer, extensions: dict[str, int]) -> None:
        self.source, self.peer, self.extensions = source, peer, extensions
        self.codec = source.recording.codec
        self.decoder = Decoder(self.codec)
        self.coded: list[bytes] = []
        self.picture: list[Packet] = []
        self.last: Packet | None = None
        self.ids = Ids()

    def watch(self, seconds: float) -> None:
        """Take what comes in this time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.peer.socket], [], [], left)[0]:
                datagram = self.peer.socket.recv(2048)
                if datagram[0] >= FIRST_OF_DTLS and datagram[1] not in range(192, 224):
                    self.take(Packet.parse(self.peer.inbound.unprotect(datagram)))

    def take(self, packet: Packet) -> None:
        """One packet."""
        if self.last is not None:
            assert packet.sequence == (self.last.sequence + 1) & 0xFFFF
            step = (packet.timestamp - self.last.timestamp) & 0xFFFFFFFF
            assert step < 1 << 31, "time goes on"
            assert step > 0 or not self.last.marker, "one picture, one end"
            if step > 0 and not self.last.marker:
                # A switch carried out in the middle of a picture: a decoder gives that up for the keyframe behind it.
                assert begins_keyframe(self.codec, packet.payload), "a picture without an end"
                self.picture = []
            self._check_frame_number(packet, self.last)
        self.last = packet
        self.picture.append(packet)
        if packet.marker:
            self.show([p for p in self.picture if p.payload])
            self.picture = []

    def show(self, picture: list[Packet]) -> None:
        """One whole picture."""
        payloads = [packet.payload for packet in picture]
        self._check_ids({(ids.picture_id, ids.tl0picidx, ids.temporal_id) for ids in self._ids(payloads)})
        coded = coded_picture(self.codec, payloads)
        assert coded in self.source.known, "no picture that was sent"
        self.coded.append(coded)
        self.decoder.feed(len(self.coded) - 1, coded)

    def check(self) -> None:
        """All that was shown is what was sent."""
        self.decoder.feed(0, None)
        assert len(self.decoder.shown) == len(self.coded)
        for number, shown in self.decoder.shown.items():
            assert shown in self.source.known[self.coded[number]], f"picture {number} of {len(self.coded)} is damaged"

    @property
    def height(self) -> int:
        """Of the picture shown last."""
        return self.decoder.shown[max(self.decoder.shown)][1]

    def _ids(self, payloads: list[bytes]) -> list[Ids]:
        return [descriptor(self.codec, payload)[1] for payload in payloads]

    def _check_ids(self, ids: set[tuple[int | None, int | None, int]]) -> None:
        """A picture has one picture id, above the last one's; VP8's count what is sent, and TL0PICIDX its lowest layer."""
        ((picture_id, tl0picidx, temporal),) = ids
        last, self.ids = self.ids, Ids(picture_id, tl0picidx)
        if picture_id is not None and last.picture_id is not None:
            step = (picture_id - last.picture_id) & 0x7FFF
            # The encoder itself leaves a number out now and then, in front of a keyframe.
            assert step in (1, 2) if self.codec == "VP8" else 0 < step < 64
        if tl0picidx is not None and last.tl0picidx is not None:
            assert (tl0picidx - last.tl0picidx) & 0xFF in ((1, 2) if temporal == 0 else (0,))

    def _check_frame_number(self, packet: Packet, last: Packet) -> None:
        """Frames count up, one number a frame."""
        number = self.extensions.get("dependency-descriptor", 0)
        now, before = packet.extensions.get(number), last.extensions.get(number)
        if now is not None and before is not None:
            step = (int.from_bytes(now[1:3], "big") - int.from_bytes(before[1:3], "big")) & 0xFFFF
            assert 0 < step < 256 if now[0] & 0x80 else step == 0


class Host:
    """Plays a recording, again and again, each time as another source."""

    def __init__(self, source: Source, plane: livetrial_plane.Plane, peer: Peer) -> None:
        self.source, self.plane, self.peer = source, plane, peer
        self.round = self.moment = 0

    def play(self) -> bool:
        """The next moment; True when a new round begins with it."""
        again = self.moment == 0
        if again:
            self.round += 1
            self._add_source()
        for index in self.source.moments[self.moment]:
            packet = bytearray(self.source.recording.packets[index])
            packet[8:12] = self._ssrc(self.source.packets[index].ssrc).to_bytes(4, "big")
            self.peer.socket.send(self.peer.outbound.protect(bytes(packet)))
        self.moment = (self.moment + 1) % len(self.source.moments)
        return again

    def _add_source(self) -> None:
        recording = self.source.recording
        ssrcs = [(self._ssrc(ssrc), 0) for ssrc in recording.ssrcs]
        codec = livetrial_plane.Codec(recording.codec, recording.payload_type, clock_rate=90000)
        identity = {"peer": self.peer.id, "kind": "video", "mid": str(self.round), "rids": []}
        self.plane.add_source(self.round, codecs=[codec], ssrcs=ssrcs, **identity)

    def _ssrc(self, recorded: int) -> int:
        return 1000 * self.round + self.source.recording.ssrcs.index(recorded)


@pytest.mark.parametrize("name", ["vp8", "h264_dd", "vp9", "vp9_key_dd", "av1_dd"])
def test_random_switches_decode_to_what_was_sent(name: str, plane: livetrial_plane.Plane) -> None:
    source = Source(name)
    recording = source.recording
    choose = random.Random(7)
    with Peer(plane, 1) as publisher, Peer(plane, 2) as subscriber:
        subscriber.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        publisher.join(plane, recording.extensions)
        subscriber.join(plane, recording.extensions)
        codec = livetrial_plane.Codec(recording.codec, 120, clock_rate=90000)
        plane.add_sink(SINK, peer=2, mid="0", ssrc=SSRC, rtx_ssrc=0, cname="c", codecs=[codec])
        host, viewer = Host(source, plane, publisher), Viewer(source, subscriber, recording.extensions)
        route: dict[str, int | None] = {"encoding": 0, "spatial": None, "temporal": None}
        heights = set()
        for switch in range(SWITCHES):
            settles = switch % 30 == 29
            for _ in range(SETTLED if settles else choose.randrange(1, 4)):
                if host.play():
                    plane.route(SINK, host.round, **route)
                viewer.watch(MOMENT_S)
            if settles:
                assert viewer.height == source.height(route["encoding"] or 0, route["spatial"])
                heights.add(viewer.height)
                [row] = plane.snapshot()
                assert row["spatial"] == (255 if route["spatial"] is None else route["spatial"])
            route = {
                "encoding": choose.randrange(len(recording.ssrcs)),
                "spatial": choose.choice([None, *range(max(source.spatial) + 1)]),
                "temporal": choose.choice([None, 0, 1, 2]),
            }
            plane.route(SINK, host.round, **route)
        viewer.watch(0.1)
    viewer.check()
    assert len(heights) > 1
    assert len(viewer.coded) > SWITCHES
