"""Plain RTP packets, read."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Packet:
    """`micros`: time of arrival. `extensions`: header extension elements by id (RFC 8285)."""

    micros: int
    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    extensions: dict[int, bytes]
    payload: bytes

    @classmethod
    def parse(cls, packet: bytes, micros: int = 0) -> Self:
        """Read a plain RTP packet (RFC 3550 section 5.1); padding is taken off."""
        first, second, sequence, timestamp, ssrc = struct.unpack("!BBHII", packet[:12])
        at = 12 + 4 * (first & 15)
        elements: dict[int, bytes] = {}
        if first & 0x10:
            profile, words = struct.unpack("!HH", packet[at : at + 4])
            at += 4
            elements = dict(_elements(profile, packet[at : at + 4 * words]))
            at += 4 * words
        end = len(packet) - (packet[-1] if first & 0x20 else 0)
        return cls(micros, bool(second & 0x80), second & 0x7F, sequence, timestamp, ssrc, elements, packet[at:end])


def _elements(profile: int, block: bytes) -> Iterator[tuple[int, bytes]]:
    """RFC 8285 section 4: the one-byte form (0xBEDE) and the two-byte form."""
    at = 0
    while at < len(block):
        if block[at] == 0:
            at += 1
        elif profile == 0xBEDE:
            number, length = block[at] >> 4, (block[at] & 15) + 1
            yield number, block[at + 1 : at + 1 + length]
            at += 1 + length
        else:
            number, length = block[at], block[at + 1]
            yield number, block[at + 2 : at + 2 + length]
            at += 2 + length
