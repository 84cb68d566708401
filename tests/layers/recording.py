"""Recordings of what a browser sends: RTP packets as they came, decrypted, each with its time of arrival."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from loadtests.rtp_packet import Packet

__all__ = ["Packet", "Recording"]

RECORDINGS = Path(__file__).parent / "recordings"


@dataclass(frozen=True)
class Recording:
    """`extensions`: ids by the plane's short names. `ssrcs`: of the encodings, lowest first."""

    codec: str
    payload_type: int
    extensions: dict[str, int]
    ssrcs: list[int]
    packets: list[bytes]
    micros: list[int]

    def save(self, name: str) -> None:
        """Write it into the repository."""
        head = {
            "codec": self.codec,
            "payload_type": self.payload_type,
            "extensions": self.extensions,
            "ssrcs": self.ssrcs,
        }
        body = [struct.pack("!IH", at, len(p)) + p for at, p in zip(self.micros, self.packets, strict=True)]
        path = RECORDINGS / f"{name}.rtp"
        path.write_bytes(json.dumps(head).encode() + b"\n" + b"".join(body))

    @classmethod
    def load(cls, name: str) -> Self:
        """Read one of the repository's."""
        head, body = (RECORDINGS / f"{name}.rtp").read_bytes().split(b"\n", 1)
        packets, micros, at = [], [], 0
        while at < len(body):
            time, length = struct.unpack("!IH", body[at : at + 6])
            packets.append(body[at + 6 : at + 6 + length])
            micros.append(time)
            at += 6 + length
        return cls(**json.loads(head), packets=packets, micros=micros)
