"""What the host's layers need."""

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
    video = [
        sum(len(frame) + -(-len(frame) // MAX_PAYLOAD_OCTETS) * HEADERS for frame in frames) * 8 / media.LOOP_S
        for frames in loop.video
    ]
    return np.array(video) + audio


@cache
def _loop() -> media.Loop:
    return msgspec.msgpack.decode(media.path().read_bytes(), type=media.Loop)
