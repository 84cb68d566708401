"""The demo host's media: encoded once, kept in the data directory, looped with continuous timestamps."""

import asyncio
import logging
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import msgspec
from aiortc import MediaStreamTrack

from server import demo_picture
from server.demo_picture import FRAMES_PER_S, HEIGHT, SAMPLES_PER_S, WIDTH

logger = logging.getLogger(__name__)

VERSION = 2
"""Goes up with every change of what is drawn or how it is encoded, so that no older file is taken."""

LOOP_S = 10
KEYFRAME_INTERVAL = 30
"""Frames; a whole number of intervals makes the loop, so that it begins with a keyframe."""

VIDEO_BITRATE = 600_000
AUDIO_BITRATE = 32_000
SAMPLES_PER_PACKET = 960  # 20 ms, what Opus calls a frame

_FRAMES = LOOP_S * FRAMES_PER_S
_VIDEO_OPTIONS = {
    "deadline": "good",
    "cpu-used": "5",
    "lag-in-frames": "0",
    "auto-alt-ref": "0",
    "keyint_min": str(KEYFRAME_INTERVAL),
    "maxrate": "700k",
    "bufsize": "600k",
}


class Loop(msgspec.Struct, frozen=True):
    """Encoded frames: VP8 at 30 a second, Opus of 20 ms each; both last `LOOP_S`."""

    video: list[bytes]
    audio: list[bytes]


async def load(data_dir: Path) -> Loop:
    """The loop from the data directory; encoded in a thread (some seconds) where it is not there yet."""
    return await asyncio.to_thread(_load, data_dir / f"demo-{VERSION}.msgpack")


class LoopTrack(MediaStreamTrack):  # type: ignore[misc]  # aiortc has no stubs
    """Hands out the same encoded frames again and again, at their times, with timestamps that go on.

    Args:
        kind: "video" or "audio".
        frames: one loop, each as long as the others.
        time_base: the unit of timestamps in seconds.
        step: length of a frame in this unit.
    """

    def __init__(self, kind: str, frames: Sequence[bytes], *, time_base: Fraction, step: int) -> None:
        self.kind = kind
        super().__init__()
        self._frames = frames
        self._time_base = time_base
        self._step = step
        self._count = 0
        self._started_at: float | None = None

    async def recv(self) -> av.Packet:
        """The next frame, when it is due; after a stall the missed ones follow without a pause."""
        loop = asyncio.get_running_loop()
        if self._started_at is None:
            self._started_at = loop.time()
        timestamp = self._count * self._step
        await asyncio.sleep(self._started_at + float(timestamp * self._time_base) - loop.time())
        packet = av.Packet(self._frames[self._count % len(self._frames)])
        packet.pts = packet.dts = timestamp
        packet.time_base = self._time_base
        self._count += 1
        return packet


def video_track(loop: Loop) -> LoopTrack:
    """The picture, as VP8 frames."""
    return LoopTrack("video", loop.video, time_base=Fraction(1, FRAMES_PER_S), step=1)


def audio_track(loop: Loop) -> LoopTrack:
    """The tone, as Opus packets."""
    return LoopTrack("audio", loop.audio, time_base=Fraction(1, SAMPLES_PER_S), step=SAMPLES_PER_PACKET)


def encode() -> Loop:
    """Draw and encode the whole loop; takes some seconds of one core."""
    return Loop(video=_encode_video(), audio=_encode_audio())


def _load(path: Path) -> Loop:
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=Loop)
    except FileNotFoundError:
        logger.info("encoding the demo picture, once")
    except msgspec.MsgspecError:
        logger.warning("%s is damaged and is made again", path)
    loop = encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_bytes(msgspec.msgpack.encode(loop))
    os.replace(unfinished, path)
    return loop


def _encode_video() -> list[bytes]:
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(FRAMES_PER_S), Fraction(1, FRAMES_PER_S)
    encoder.bit_rate, encoder.gop_size = VIDEO_BITRATE, KEYFRAME_INTERVAL
    encoder.options = _VIDEO_OPTIONS
    packets: list[av.Packet] = []
    for number in range(_FRAMES):
        frame = av.VideoFrame.from_ndarray(demo_picture.draw(number, _FRAMES), format="rgb24")
        frame.pts = number
        packets += encoder.encode(frame.reformat(format="yuv420p"))
    packets += encoder.encode(None)
    return [bytes(packet) for packet in packets]


def _encode_audio() -> list[bytes]:
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = SAMPLES_PER_S, "mono", "s16"
    encoder.bit_rate, encoder.time_base = AUDIO_BITRATE, Fraction(1, SAMPLES_PER_S)
    encoder.options = {"application": "audio", "frame_duration": "20"}
    wave = demo_picture.tone(LOOP_S * SAMPLES_PER_S)
    packets: list[av.Packet] = []
    # Two rounds, and the second is taken: the encoder then carries over from the loop's end to its beginning.
    for start in range(0, 2 * len(wave), SAMPLES_PER_PACKET):
        offset = start % len(wave)
        frame = av.AudioFrame.from_ndarray(
            wave[None, offset : offset + SAMPLES_PER_PACKET], format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts = SAMPLES_PER_S, start
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    count = len(wave) // SAMPLES_PER_PACKET
    return [bytes(packet) for packet in packets[count : 2 * count]]
