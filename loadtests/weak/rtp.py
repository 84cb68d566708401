"""The host's packets: encoded frames cut and headed as a browser does it."""

import struct
from dataclasses import dataclass, field

from loadtests.bench.stream import split
from loadtests.weak.media import SYNCHRONOUS, TEMPORAL_IDS

MID, RID, DESCRIPTOR = 4, 10, 12
"""Ids of header extensions (RFC 8285)."""

VIDEO_TYPE, AUDIO_TYPE, RED_TYPE = 96, 111, 63
NTP_EPOCH_S = 2_208_988_800


@dataclass
class Stream:
    """One SSRC: its numbers and what receivers are told of it in sender reports."""

    ssrc: int
    mid: str
    rid: str
    clock_rate: int
    sequence: int = 1000
    packets: int = 0
    octets: int = 0

    def packet(
        self, payload_type: int, timestamp: int, payload: bytes, *, marker: bool, descriptor: bytes = b""
    ) -> bytes:
        """The next RTP packet (RFC 3550 section 5.1), with mid, rid and dependency descriptor where there are any."""
        values = {MID: self.mid.encode(), RID: self.rid.encode(), DESCRIPTOR: descriptor}
        profile, elements = _elements({number: value for number, value in values.items() if value})
        head = struct.pack("!BBHII", 0x90, marker << 7 | payload_type, self.sequence, timestamp & 0xFFFFFFFF, self.ssrc)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        return head + struct.pack("!HH", profile, len(elements) // 4) + elements + payload

    def sender_report(self, unix_s: float, timestamp: int) -> bytes:
        """RFC 3550 section 6.4.1, with a CNAME behind it."""
        ntp = round((unix_s + NTP_EPOCH_S) * (1 << 32))
        report = struct.pack(
            "!BBHIQIII", 0x80, 200, 6, self.ssrc, ntp, timestamp & 0xFFFFFFFF, self.packets, self.octets & 0xFFFFFFFF
        )
        chunk = struct.pack("!IBB", self.ssrc, 1, 4) + b"weak"
        chunk += bytes(4 - len(chunk) % 4)
        return report + struct.pack("!BBH", 0x81, 202, len(chunk) // 4) + chunk


@dataclass
class Picture:
    """Numbers of an encoding's pictures (RFC 7741 section 4.2), which go on when its loop begins anew."""

    place: int = 0
    picture_id: int = 0
    base_index: int = 0

    def payloads(self, frames: list[bytes]) -> list[bytes]:
        """The next picture's packets."""
        frame, phase = frames[self.place], self.place % len(TEMPORAL_IDS)
        temporal = TEMPORAL_IDS[phase]
        self.base_index = (self.base_index + (temporal == 0)) & 0xFF
        self.picture_id = (self.picture_id + 1) & 0x7FFF
        parts = split(frame)
        # X, N where nothing refers to the picture, S at its beginning; I, L, T; then the fields.
        first = 0x80 | (0x20 if temporal == 2 else 0)
        fields = struct.pack(
            "!BHBB", 0xE0, 0x8000 | self.picture_id, self.base_index, temporal << 6 | SYNCHRONOUS[phase] << 5
        )
        self.place = (self.place + 1) % len(frames)
        return [bytes([first | (0x10 if number == 0 else 0)]) + fields + part for number, part in enumerate(parts)]


@dataclass
class Simulcast:
    """One encoding of the loop of `media.py` as packets."""

    stream: Stream
    frames: list[bytes]
    picture: Picture = field(default_factory=Picture)

    def packets(self, timestamp: int) -> list[bytes]:
        """Those of the next picture."""
        payloads = self.picture.payloads(self.frames)
        last = len(payloads) - 1
        return [
            self.stream.packet(VIDEO_TYPE, timestamp, payload, marker=number == last)
            for number, payload in enumerate(payloads)
        ]

    def begin_anew(self) -> bool:
        """Let the next picture be the keyframe; returns whether it would not have been."""
        before, self.picture.place = self.picture.place, 0
        return before > 0


def redundant(frame: bytes, before: bytes | None, samples: int) -> bytes:
    """RED (RFC 2198) with one repetition, as browsers send it."""
    if before is None:
        return bytes([AUDIO_TYPE]) + frame
    head = struct.pack("!I", 1 << 31 | AUDIO_TYPE << 24 | samples << 10 | len(before))
    return head + bytes([AUDIO_TYPE]) + before + frame


def keyframes_wanted(compound: bytes) -> set[int]:
    """SSRCs of which a compound RTCP packet asks for a keyframe: PLI, FIR (RFC 4585, RFC 5104)."""
    wanted: set[int] = set()
    at = 0
    while at + 12 <= len(compound):
        first, kind, words = struct.unpack_from("!BBH", compound, at)
        if kind == 206 and first & 31 == 1:
            wanted.add(*struct.unpack_from("!I", compound, at + 8))
        elif kind == 206 and first & 31 == 4 and at + 16 <= len(compound):
            wanted.add(*struct.unpack_from("!I", compound, at + 12))
        at += 4 * (words + 1)
    return wanted


def _elements(values: dict[int, bytes]) -> tuple[int, bytes]:
    """The block's profile and its padded octets (RFC 8285): with the long headers where a value needs one."""
    long = any(len(value) > 16 for value in values.values())
    elements = b"".join(
        (bytes([number, len(value)]) if long else bytes([number << 4 | len(value) - 1])) + value
        for number, value in values.items()
    )
    return 0x1000 if long else 0xBEDE, elements + bytes(-len(elements) % 4)
