"""The packets of an encoding with spatial layers: as recorded, but with numbers that go on when its loop begins anew."""

import struct
from dataclasses import dataclass

from loadtests.weak.rtp import VIDEO_TYPE, Stream
from loadtests.weak.svc import AGAIN, Part


@dataclass
class Svc:
    """The loop of `svc.py` as packets. What refers to other pictures does so by differences, which stay right."""

    stream: Stream
    pictures: list[list[Part]]
    place: int = 0
    picture_id: int = 0
    frame_number: int = 0

    def packets(self, timestamp: int) -> list[bytes]:
        """Those of the next picture."""
        parts = self.pictures[self.place]
        self.picture_id = (self.picture_id + 1) & 0x7FFF
        last = len(parts) - 1
        packets = [
            self.stream.packet(
                VIDEO_TYPE,
                timestamp,
                _with_picture_id(part.payload, self.picture_id),
                marker=number == last,
                descriptor=self._numbered(part.descriptor),
            )
            for number, part in enumerate(parts)
        ]
        self.place = self.place + 1 if self.place + 1 < len(self.pictures) else AGAIN
        return packets

    def begin_anew(self) -> bool:
        """Let the next picture be the keyframe; returns whether it would not have been."""
        before, self.place = self.place, 0
        return before > 0

    def _numbered(self, descriptor: bytes) -> bytes:
        """With the next frame's number where a frame begins, else with the last one's (AV1 RTP payload format, appendix A.8.3)."""
        self.frame_number = (self.frame_number + (descriptor[0] >> 7)) & 0xFFFF
        return descriptor[:1] + struct.pack("!H", self.frame_number) + descriptor[3:]


def _with_picture_id(payload: bytes, picture_id: int) -> bytes:
    """RFC 9628 section 4.2: I, and M in front of 15 bits; in flexible mode there is no TL0PICIDX."""
    return payload[:1] + struct.pack("!H", 0x8000 | picture_id) + payload[3:]
