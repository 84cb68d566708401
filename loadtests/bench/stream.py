"""The media that every contender forwards: 720p30 VP8 at 1.2 Mbit/s and Opus, cut into packets as Chromium does."""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass

VIDEO_SSRC, AUDIO_SSRC = 0x10000001, 0x20000001
VIDEO_PAYLOAD_TYPE, AUDIO_PAYLOAD_TYPE = 96, 111
VIDEO_MID, AUDIO_MID = "0", "1"
EXTENSIONS = {"mid": 4, "transport-cc": 3}
"""Header extensions of the publisher."""

FRAMES_PER_S = 30
KEYFRAME_OCTETS = 30_000
DELTA_FRAME_OCTETS = 1_200_000 // 8 // FRAMES_PER_S
MAX_PAYLOAD_OCTETS = 1_150
AUDIO_PACKETS_PER_S = 50
AUDIO_OCTETS = 80
PACKETS_PER_S = 200
"""About what all this makes: 30 frames of five packets, and 50 of audio."""

SEED = 7


@dataclass(frozen=True)
class Burst:
    """Packets that leave the encoder together: a video frame, or an audio packet."""

    at_s: float
    """Media time since the beginning."""
    ssrc: int
    payload_type: int
    mid: str
    timestamp: int
    payloads: list[bytes]

    @property
    def is_video(self) -> bool:
        """Whether it is a frame of the camera."""
        return self.ssrc == VIDEO_SSRC


def bursts() -> Iterator[Burst]:
    """The same endless stream each time, in order of media time.

    It begins with a keyframe and has no other, as a browser's that nobody asks for one: each stretch of it costs the same.
    """
    video, audio = _video(), _audio()
    frame, sample = next(video), next(audio)
    while True:
        if frame.at_s <= sample.at_s:
            yield frame
            frame = next(video)
        else:
            yield sample
            sample = next(audio)


class Packetizer:
    """Writes RTP packets, with the sequence numbers of all streams of one publisher."""

    def __init__(self) -> None:
        self._next_sequence = {VIDEO_SSRC: 1_000, AUDIO_SSRC: 2_000}
        self._next_transport_sequence = 0

    def packets(self, burst: Burst) -> list[bytes]:
        """The RTP packets of a burst, the last one with the marker bit."""
        return [
            self._header(burst, marker=burst.is_video and index == len(burst.payloads) - 1) + payload
            for index, payload in enumerate(burst.payloads)
        ]

    def _header(self, burst: Burst, *, marker: bool) -> bytes:
        sequence, transport = self._next_sequence[burst.ssrc], self._next_transport_sequence
        self._next_sequence[burst.ssrc] = (sequence + 1) & 0xFFFF
        self._next_transport_sequence = (transport + 1) & 0xFFFF
        second = marker << 7 | burst.payload_type
        fixed = struct.pack("!BBHII", 0x90, second, sequence, burst.timestamp & 0xFFFFFFFF, burst.ssrc)
        # One-byte elements (RFC 8285 section 4.2): the transport-wide number, the mid, padding to whole words.
        mid = bytes([EXTENSIONS["mid"] << 4 | len(burst.mid) - 1]) + burst.mid.encode()
        elements = struct.pack("!BH", EXTENSIONS["transport-cc"] << 4 | 1, transport) + mid
        elements += bytes(-len(elements) % 4)
        return fixed + struct.pack("!HH", 0xBEDE, len(elements) // 4) + elements


def split(frame: bytes, limit: int = MAX_PAYLOAD_OCTETS) -> list[bytes]:
    """Cut a frame into as few parts as fit; their sizes differ by one octet at most, larger ones last."""
    count = -(-len(frame) // limit)
    size, larger = divmod(len(frame), count)
    parts, start = [], 0
    for index in range(count):
        end = start + size + (index >= count - larger)
        parts.append(frame[start:end])
        start = end
    return parts


def _video() -> Iterator[Burst]:
    sizes = random.Random(SEED)
    number = 0
    while True:
        is_keyframe = number == 0
        octets = KEYFRAME_OCTETS if is_keyframe else round(DELTA_FRAME_OCTETS * sizes.uniform(0.6, 1.4))
        # The P bit says "not a keyframe" (RFC 7741 section 4.3); then a keyframe's start code and 1280x720.
        head = b"\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 1280, 720) if is_keyframe else b"\x11\x00\x00"
        parts = split(head + bytes(octets - len(head)))
        payloads = [_vp8_descriptor(number, first=index == 0) + part for index, part in enumerate(parts)]
        timestamp = number * 90_000 // FRAMES_PER_S
        yield Burst(number / FRAMES_PER_S, VIDEO_SSRC, VIDEO_PAYLOAD_TYPE, VIDEO_MID, timestamp, payloads)
        number += 1


def _vp8_descriptor(number: int, *, first: bool) -> bytes:
    """RFC 7741 section 4.2 with X, I and L: a picture id of 15 bits, and TL0PICIDX."""
    return struct.pack("!BBHB", 0x80 | first << 4, 0xC0, 0x8000 | number & 0x7FFF, number & 0xFF)


def _audio() -> Iterator[Burst]:
    number = 0
    while True:
        payload = bytes([0x78]) + bytes(AUDIO_OCTETS - 1)
        timestamp = number * 48_000 // AUDIO_PACKETS_PER_S
        yield Burst(number / AUDIO_PACKETS_PER_S, AUDIO_SSRC, AUDIO_PAYLOAD_TYPE, AUDIO_MID, timestamp, [payload])
        number += 1
