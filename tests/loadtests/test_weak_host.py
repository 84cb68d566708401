"""What the synthetic host of the weak-network cases sends, and the traffic beside it."""

import asyncio

from loadtests.weak.cross import SHORT_OCTETS, source
from loadtests.weak.rtp import Picture, Stream, keyframes_wanted, redundant


def test_pictures_number_their_layers_on_across_a_keyframe() -> None:
    picture = Picture()
    first = [picture.payloads([b"a"] * 8)[0] for _ in range(5)]
    picture.place = 0
    again = picture.payloads([b"a"] * 8)[0]
    assert [payload[4] for payload in first] == [1, 1, 1, 1, 2]  # TL0PICIDX
    assert [payload[5] >> 6 for payload in first] == [0, 2, 1, 2, 0]
    assert again[4] == 3
    assert int.from_bytes(again[2:4]) & 0x7FFF == 6


def test_keyframes_are_asked_for_by_pli_and_fir() -> None:
    pli = bytes([0x81, 206, 0, 2]) + (1).to_bytes(4) + (42).to_bytes(4)
    fir = bytes([0x84, 206, 0, 4]) + (1).to_bytes(4) + bytes(4) + (43).to_bytes(4) + bytes(4)
    report = bytes([0x80, 201, 0, 1]) + (1).to_bytes(4)
    assert keyframes_wanted(report + pli + fir) == {42, 43}
    assert keyframes_wanted(pli[:9]) == set()


def test_redundant_audio_holds_the_frame_before_and_its_own() -> None:
    packet = redundant(b"new", b"older", 960)
    head = int.from_bytes(packet[:4])
    assert (head >> 31, head >> 24 & 127, head >> 10 & 0x3FFF, head & 0x3FF) == (1, 111, 960, 5)
    assert packet[4:] == bytes([111]) + b"older" + b"new"


def test_a_stream_counts_its_packets_and_tells_them() -> None:
    stream = Stream(9, "1", "q", 90_000)
    packet = stream.packet(96, 5, b"payload", marker=True)
    assert packet[-7:] == b"payload"
    report = stream.sender_report(0.0, 5)
    assert (int.from_bytes(report[20:24]), int.from_bytes(report[24:28])) == (1, 7)
    assert len(report) % 4 == 0


async def test_cross_traffic_sends_what_it_is_asked_for() -> None:
    async with source() as address:
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{SHORT_OCTETS[0]}\n".encode())
        assert len(await reader.read(-1)) == SHORT_OCTETS[0]
        writer.close()
