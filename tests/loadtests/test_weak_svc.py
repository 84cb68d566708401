"""The layered loop of the bench of weak networks: what is taken of a recording, and how it is played again and again."""

import struct
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from loadtests.capture import Captured
from loadtests.rtp_packet import Packet
from loadtests.weak import series, svc
from loadtests.weak.cases import CASES
from loadtests.weak.rtp import DESCRIPTOR, Stream
from loadtests.weak.run import Take
from loadtests.weak.svc_rtp import Svc

DESCRIPTOR_ID = 13
KEY, PREDICTED = 0x80 | 0x20 | 0x10 | 0x08 | 0x04, 0x80 | 0x40 | 0x20 | 0x10 | 0x08 | 0x04
TEMPORAL = (0, 2, 1, 2)
TICKS = 90_000 // 30 * svc.SLOWER


def descriptor(number: int, *, structure: bool = False) -> bytes:
    """A frame of one packet; the structure is as long as Chromium's."""
    return b"\xc0" + struct.pack("!H", number) + bytes(92 if structure else 0)


def picture(place: int, *, key: bool) -> list[bytes]:
    """Payloads of the three layers."""
    layers = [TEMPORAL[place % 4] << 5 | spatial << 1 for spatial in range(svc.LAYERS)]
    return [struct.pack("!BHB", KEY if key else PREDICTED, 0x8000 | place, layer) + b"coded" for layer in layers]


def captured(keys: set[int], *, pictures: int = svc.PICTURES + 20, ticks: int = TICKS) -> Captured:
    """As Chromium sends it."""
    stream = Stream(9, "0", "", 90_000)
    packets = []
    for place in range(pictures):
        for layer, payload in enumerate(picture(place, key=place in keys)):
            packet = stream.packet(
                98, place * ticks, payload, marker=layer == 2, descriptor=descriptor(3 * place + layer)
            )
            packets.append((place / 30, packet))
    return Captured("VP9/0", 98, {"dependency-descriptor": DESCRIPTOR}, [], packets)


def loop(pictures: int) -> list[list[svc.Part]]:
    return [
        [
            svc.Part(payload, descriptor(3 * place + layer, structure=place + layer == 0), layer, TEMPORAL[place % 4])
            for layer, payload in enumerate(picture(place, key=place == 0))
        ]
        for place in range(pictures)
    ]


def test_the_loop_is_what_follows_the_keyframe_that_was_asked_for() -> None:
    pictures = svc.cut(captured({0, 15})).pictures
    assert len(pictures) == svc.PICTURES
    assert [svc.is_key(parts[0]) for parts in pictures].count(True) == 1
    assert svc.is_key(pictures[0][0])
    assert pictures[0][0].descriptor == descriptor(45)
    assert [(part.spatial, part.temporal) for part in pictures[2]] == [(0, 2), (1, 2), (2, 2)]  # the 17th


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        (captured({0, 15, 100}), "keyframes at"),
        (captured({0}, ticks=2 * TICKS), "pictures a second"),
        (replace(captured({0}), packets=captured({0}).packets[:90] + captured({0}).packets[91:]), "packets lack"),
        (replace(captured({0}), packets=[]), "no picture"),
    ],
)
def test_a_recording_that_lacks_something_is_refused(taken: Captured, told: str) -> None:
    with pytest.raises(RuntimeError, match=told):
        svc.cut(taken)


def test_a_recording_without_the_upper_layer_is_refused() -> None:
    stream = Stream(9, "0", "", 90_000)
    packets = [
        (place / 30, stream.packet(98, place * TICKS, payload, marker=False))
        for place in range(svc.PICTURES)
        for payload in picture(place, key=place == 0)[:2]
    ]
    with pytest.raises(RuntimeError, match="spatial layers"):
        svc.cut(Captured("VP9/0", 98, {"dependency-descriptor": DESCRIPTOR}, [], packets))


def test_numbers_go_on_where_the_loop_begins_anew() -> None:
    pictures = svc.AGAIN + 4
    playing = Svc(Stream(9, "1", "", 90_000, sequence=0xFFF0), loop(pictures))
    packets = [Packet.parse(packet) for count in range(pictures + 9) for packet in playing.packets(count * 3000)]
    steps = {(after.sequence - before.sequence) & 0xFFFF for before, after in pairwise(packets)}
    frames = [struct.unpack("!H", packet.extensions[DESCRIPTOR][1:3])[0] for packet in packets]
    ids = [struct.unpack("!H", packet.payload[1:3])[0] for packet in packets]
    assert steps == {1}
    assert frames == list(range(1, 3 * (pictures + 9) + 1))
    assert ids == [0x8000 | 1 + number // 3 for number in range(3 * (pictures + 9))]
    assert [packet.marker for packet in packets] == [False, False, True] * (pictures + 9)
    # The structure comes with the keyframe, in the long form of header extensions, and with nothing else: the loop has no other.
    structured = [number for number, packet in enumerate(packets) if len(packet.extensions[DESCRIPTOR]) > 3]
    assert structured == [0]
    # The layers go on in their pattern.
    assert [packet.payload[3] >> 5 for packet in packets[::3]] == [TEMPORAL[n % 4] for n in range(pictures + 9)]


def test_a_keyframe_that_is_asked_for_comes_next_and_once() -> None:
    playing = Svc(Stream(9, "1", "", 90_000), loop(8))
    assert not playing.begin_anew()  # it is the next anyway
    for count in range(3):
        playing.packets(count)
    assert playing.begin_anew()
    assert not playing.begin_anew()
    begun = [Packet.parse(playing.packets(count)[0]).payload[0] for count in range(2)]
    assert begun == [KEY, PREDICTED]


def test_a_frame_of_several_packets_has_one_number() -> None:
    first, last = b"\x80\0\x05", b"\x40\0\x05"
    parts = [svc.Part(b"\x98\x80\0\0a", first, 0, 0), svc.Part(b"\x94\x80\0\0b", last, 0, 0)]
    playing = Svc(Stream(9, "1", "", 90_000), [parts, parts])
    numbers = [Packet.parse(packet).extensions[DESCRIPTOR] for packet in playing.packets(0) + playing.packets(1)]
    assert numbers == [b"\x80\0\x01", b"\x40\0\x01", b"\x80\0\x02", b"\x40\0\x02"]


def test_in_layers_the_size_shown_is_the_highest_spatial_layer_sent() -> None:
    def row(encoding: int, spatial: int) -> dict[str, object]:
        shown = {"encoding": encoding, "spatial": spatial, "temporal": 255}
        return {"peer": 1, "sink": 3, "source": 7, "bytes": 1, "estimate_bps": None, "link_bytes": 0, **shown}

    rows = [row(-1, 255), row(0, 0), row(0, 1), row(0, 255)]
    take = Take(CASES["5.1-svc"], 1, began=0, ended=10**9)
    take.plane = [{"t": number * 10**8, "rows": [each]} for number, each in enumerate(rows)]
    np.testing.assert_array_equal(series.links(take)[0].encoding, [-1, 0, 1, 2])
