"""Reads the link's packet log; `src/packet_log.rs` says what each field is."""

from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAGIC = b"LINKLOG1"

RECORD = np.dtype(
    [
        ("arrived", "<u8"),
        ("left", "<u8"),
        ("out", "<u8"),
        ("octets", "<u4"),
        ("ssrc", "<u4"),
        ("flow", "<u2"),
        ("sequence", "<u2"),
        ("way", "u1"),
        ("kind", "u1"),
        ("detail", "u1"),
        ("fate", "u1"),
    ]
)
"""Times are ns of the monotonic clock: those of `time.monotonic_ns()`."""


class Way(IntEnum):
    """Direction: from client to server, and back."""

    UP = 0
    DOWN = 1


class Kind(IntEnum):
    """What a packet is; `detail` is the STUN class, the DTLS handshake type, the RTP payload type, the RTCP type - 192."""

    OTHER = 0
    STUN = 1
    DTLS = 2
    RTP = 3
    RTCP = 4
    TCP_OPEN = 5
    TCP_DATA = 6
    TCP_ACK = 7
    TCP_RESET = 8


class Fate(IntEnum):
    """What became of a packet."""

    DELIVERED = 0
    DUPLICATE = 1
    QUEUE_FULL = 2
    LOST = 3
    OUTAGE = 4
    POLICED = 5


def read(path: Path) -> NDArray[np.void]:
    """All records, in the order in which they were decided.

    Raises:
        ValueError: it is no packet log.
    """
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise ValueError(f"{path} is no packet log")
        data = file.read()
    return np.frombuffer(data[: len(data) // RECORD.itemsize * RECORD.itemsize], RECORD)
