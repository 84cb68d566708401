"""What the host's layers need."""

from collections.abc import Sequence
from functools import cache

import msgspec
import numpy as np
import numpy.typing as npt

from loadtests.bench.stream import MAX_PAYLOAD_OCTETS
from loadtests.weak import media

HEADERS = 28 + 12 + 12 + 16 + 5
"""Octets of a packet on the wire beside its payload: IP and UDP, RTP, extensions, SRTP's tag, the VP8 descriptor."""


@cache
def payload_rates() -> tuple[float, ...]:
    """Bit/s of each encoding's frames, lowest first."""
    return tuple(sum(map(len, frames)) * 8 / media.LOOP_S for frames in _loop().video)


@cache
def layer_needs() -> npt.NDArray[np.float64]:
    """Bit/s on the wire of each encoding with all its temporal layers, and of the sound with one repetition."""
    loop = _loop()
    audio = sum(2 * len(frame) + HEADERS for frame in loop.audio) * 8 / media.LOOP_S
    return np.array([_wire_rate(frames) for frames in loop.video]) + audio


@cache
def least_needs() -> npt.NDArray[np.float64]:
    """The same at the least frame rate at which policy shows each: a quarter for the lowest, half for the others (`media/policy.py`)."""
    loop = _loop()
    audio = layer_needs()[0] - _wire_rate(loop.video[0])
    # Three temporal layers: every second picture is of the highest, every second of the others of the one below.
    return np.array([_wire_rate(frames[:: 4 if index == 0 else 2]) for index, frames in enumerate(loop.video)]) + audio


def _wire_rate(frames: Sequence[bytes]) -> float:
    return sum(len(frame) + -(-len(frame) // MAX_PAYLOAD_OCTETS) * HEADERS for frame in frames) * 8 / media.LOOP_S


@cache
def _loop() -> media.Loop:
    return msgspec.msgpack.decode(media.path().read_bytes(), type=media.Loop)
