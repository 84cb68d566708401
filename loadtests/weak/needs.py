"""What the host's layers need."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import msgspec
import numpy as np
import numpy.typing as npt

from loadtests.bench.stream import MAX_PAYLOAD_OCTETS
from loadtests.weak import media, svc

HEADERS = 28 + 12 + 12 + 16 + 5
"""Octets of a packet on the wire beside its payload: IP and UDP, RTP, extensions, SRTP's tag, the VP8 descriptor."""

SVC_HEADERS = 28 + 12 + 16 + 16
"""Likewise; the VP9 descriptor is part of what was recorded, and extensions have a dependency descriptor beside the others."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Needs:
    """By size, lowest first.

    Attributes:
        heights: lines.
        payload: bit/s of the pictures.
        full: bit/s on the wire with all temporal layers, and of the sound with one repetition.
        least: the same at the least frame rate at which policy shows each: a quarter for the lowest, half for the others
            (`media/policy.py`).
    """

    heights: tuple[int, ...]
    payload: Numbers
    full: Numbers
    least: Numbers


@cache
def needs(*, layered: bool) -> Needs:
    """Of the encodings in VP8, or of the spatial layers in VP9, each with those below it."""
    return _of_layers() if layered else _of_encodings()


def _of_encodings() -> Needs:
    loop = _loop()
    # Three temporal layers: every second picture is of the highest, every second of the others of the one below.
    thinned = [frames[:: 4 if index == 0 else 2] for index, frames in enumerate(loop.video)]
    return Needs(
        heights=tuple(media.HEIGHT // scale for scale in media.SCALES),
        payload=_rates(map(len, frames) for frames in loop.video),
        full=_rates(map(_on_wire, frames) for frames in loop.video) + _audio(),
        least=_rates(map(_on_wire, frames) for frames in thinned) + _audio(),
    )


def _of_layers() -> Needs:
    pictures = svc.kept().pictures[svc.AGAIN :]  # the keyframe comes when it is asked for
    parts = [part for picture in pictures for part in picture]

    def rates(headers: int, *, less: bool) -> Numbers:
        return _rates(
            (
                len(part.payload) + headers
                for part in parts
                if part.spatial <= size and part.temporal < svc.LAYERS - (less and (2 if size == 0 else 1))
            )
            for size in range(svc.LAYERS)
        ) * (svc.PICTURES / len(pictures))

    full, least = (rates(SVC_HEADERS, less=less) + _audio() for less in (False, True))
    return Needs(heights=svc.HEIGHTS, payload=rates(0, less=False), full=full, least=least)


def _audio() -> float:
    return sum(2 * len(frame) + HEADERS for frame in _loop().audio) * 8 / media.LOOP_S


def _rates(sizes: Iterable[Iterable[int]]) -> Numbers:
    """Bit/s of octets that come in a loop."""
    return np.array([sum(octets) * 8 / media.LOOP_S for octets in sizes])


def _on_wire(frame: bytes) -> int:
    return len(frame) + -(-len(frame) // MAX_PAYLOAD_OCTETS) * HEADERS


@cache
def _loop() -> media.Loop:
    return msgspec.msgpack.decode(media.path().read_bytes(), type=media.Loop)
