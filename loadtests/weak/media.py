"""What the host of the bench sends: VP8 in three encodings of three temporal layers, and Opus; encoded once, kept, looped.

The picture pans and has grain, so that encoders spend what they may. Only a loop's first frame is a keyframe: the host
goes back there when one is asked for, as a browser would make one.
"""

import asyncio
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import msgspec
import numpy as np
import numpy.typing as npt

from server.demo_picture import FRAMES_PER_S, SAMPLES_PER_S

VERSION = 6
"""Goes up with every change of what is drawn or how it is encoded."""

KEPT = Path(__file__).parents[2] / "build" / "weak"
LOOP_S = 8
WIDTH, HEIGHT = 1280, 720
SCALES = (4, 2, 1)
BITRATES = (150_000, 500_000, 1_600_000)
GRAIN = 10.0
"""Deviation of the picture's grain, of 255: with less the encoder has octets left over, and spends them in rare large pictures."""
AUDIO_BITRATE = 32_000
SAMPLES_PER_PACKET = 960  # 20 ms

TEMPORAL_IDS = (0, 2, 1, 2)
"""Temporal layers of frames; layers up to 0, 1, 2 have 7.5, 15, 30 frames a second."""
TEMPORAL_SHARES = (0.4, 0.6, 1.0)
"""Of an encoding's bitrate, by its layers up to here, as browsers divide it."""
SYNCHRONOUS = (False, True, True, False)
"""Which frames of the pattern refer to the base layer alone (VP8's Y); the last refers to the middle layer too."""

LAYERS = (
    "ts_number_layers=3:ts_target_bitrate={rates}:ts_rate_decimator=4,2,1:"
    "ts_periodicity=4:ts_layer_id=0,2,1,2:ts_layering_mode=3"
)


class Loop(msgspec.Struct, frozen=True):
    """Encoded frames: VP8 by encoding, lowest first, at 30 a second; Opus of 20 ms each. All last `LOOP_S`."""

    video: list[list[bytes]]
    audio: list[bytes]


async def load() -> Loop:
    """The loop; encoded in a thread (half a minute) where it is not there yet."""
    return await asyncio.to_thread(_load, path())


def path() -> Path:
    """Where the loop is kept."""
    return KEPT / f"host-{VERSION}.msgpack"


def _load(kept: Path) -> Loop:
    try:
        return msgspec.msgpack.decode(kept.read_bytes(), type=Loop)
    except (FileNotFoundError, msgspec.MsgspecError):
        loop = Loop(video=_encode_video(), audio=_encode_audio())
        keep(kept, msgspec.msgpack.encode(loop))
        return loop


def keep(path: Path, octets: bytes) -> None:
    """Write a file that others may read at any time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    unfinished.write_bytes(octets)
    os.replace(unfinished, path)


def _encode_video() -> list[list[bytes]]:
    encoders = [_encoder(scale, rate) for scale, rate in zip(SCALES, BITRATES, strict=True)]
    encodings: list[list[bytes]] = [[] for _ in encoders]
    for number, picture in enumerate(pictures(LOOP_S * FRAMES_PER_S)):
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        for encoder, encoding in zip(encoders, encodings, strict=True):
            small = frame.reformat(width=encoder.width, height=encoder.height)
            small.pts, small.pict_type = number, 0
            encoding += [bytes(packet) for packet in encoder.encode(small)]
    for encoder, encoding in zip(encoders, encodings, strict=True):
        encoding += [bytes(packet) for packet in encoder.encode(None)]
        assert len(encoding) == LOOP_S * FRAMES_PER_S, "the encoder dropped frames"
    return encodings


def _encoder(scale: int, bitrate: int) -> av.VideoCodecContext:
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH // scale, HEIGHT // scale, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(FRAMES_PER_S), Fraction(1, FRAMES_PER_S)
    encoder.bit_rate, encoder.gop_size = bitrate, LOOP_S * FRAMES_PER_S
    rates = ",".join(str(round(bitrate * share / 1000)) for share in TEMPORAL_SHARES)
    encoder.options = {
        "deadline": "realtime",
        "cpu-used": "12",
        "lag-in-frames": "0",
        "auto-alt-ref": "0",
        "error-resilient": "default",
        "keyint_min": str(LOOP_S * FRAMES_PER_S),
        "minrate": str(bitrate),
        "maxrate": str(bitrate),
        "bufsize": str(bitrate),
        "undershoot-pct": "100",
        "overshoot-pct": "15",
        "qmin": "4",
        "qmax": "56",
        "ts-parameters": LAYERS.format(rates=rates),
    }
    return encoder


def pictures(count: int) -> Iterator[npt.NDArray[np.uint8]]:
    """The first so many; planes of YUV 4:2:0, one above the other as PyAV takes them."""
    random = np.random.default_rng(7)
    width = WIDTH + 8 * LOOP_S * FRAMES_PER_S // 4
    coarse = random.integers(40, 215, (HEIGHT // 16 + 1, width // 16 + 1)).astype(np.float32)
    ground = np.kron(coarse, np.ones((16, 16), np.float32))
    ground = sum(np.roll(ground, shift, axis) for shift in range(0, 16, 3) for axis in (0, 1)) / 12
    chroma = np.full((HEIGHT // 2, WIDTH), 128, np.uint8)
    grain = random.normal(0, GRAIN, (HEIGHT + 64, WIDTH + 64)).astype(np.float32)
    for number in range(count):
        left = 2 * number
        down, right = random.integers(0, 64, 2)
        luma = ground[:HEIGHT, left : left + WIDTH] + grain[down : down + HEIGHT, right : right + WIDTH]
        yield np.concatenate([luma.clip(16, 235).astype(np.uint8), chroma])


def _encode_audio() -> list[bytes]:
    """A voice of a kind: tones that glide and pause, so that concealment is not of silence."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = SAMPLES_PER_S, "mono", "s16"
    encoder.bit_rate, encoder.time_base = AUDIO_BITRATE, Fraction(1, SAMPLES_PER_S)
    # As a browser encodes once it is told of losses: with in-band FEC.
    encoder.options = {"application": "voip", "frame_duration": "20", "fec": "1", "packet_loss": "20"}
    at = np.arange(LOOP_S * SAMPLES_PER_S) / SAMPLES_PER_S
    pitch = 150 + 40 * np.sin(2 * np.pi * 0.7 * at)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLES_PER_S
    voice = sum(np.sin(order * phase) / order for order in range(1, 12))
    wave = (6000 * voice * (0.55 + 0.45 * np.sin(2 * np.pi * 3 * at))).astype(np.int16)
    packets: list[av.Packet] = []
    for start in range(0, len(wave), SAMPLES_PER_PACKET):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + SAMPLES_PER_PACKET], format="s16", layout="mono")
        frame.sample_rate, frame.pts = SAMPLES_PER_S, start
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return [bytes(packet) for packet in packets[: len(wave) // SAMPLES_PER_PACKET]]
