"""VP9 in three spatial and three temporal layers (L3T3) with its dependency descriptors, as Chromium sends it: recorded once, kept, looped.

libvpx makes no spatial layers by way of PyAV, so a headless Chromium encodes: it publishes the picture of `media.py`, which pans
forth and back so that nothing jumps, and is told once to make a keyframe. Kept is what it sends from that on. It does so in slow
motion, because nothing in the packets but their timestamps knows of time.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from pathlib import Path

import av
import msgspec

from loadtests.capture import Captured, capture
from loadtests.rtp_packet import Packet
from loadtests.weak import media
from server.demo_picture import FRAMES_PER_S

VERSION = 1
"""Goes up with every change of what is recorded."""

SIZE = (960, 540)
"""Of 720 lines Chromium leaves the top layer out at this bitrate."""
HEIGHTS = (135, 270, 540)
SLOWER = 2
"""Chromium encodes so much slower than the loop is played: on two busy cores it does not make 30 pictures a second of three layers."""
LAYERS = 3
"""Spatial, and temporal."""
MODE = "L3T3"
"""Not L3T3_KEY: the plane sends all layers below what is shown, of which those above would then make no use."""
BITRATE = 1_600_000
"""When it is played."""
WARM_UP_S = 8.0
"""Chromium turns the upper layers on as its estimate of the uplink grows."""
LEAST_PICTURES_S = 26.0 / SLOWER
"""A picture that the camera loses now and then is a step of the pan, and changes sizes little."""
PICTURES = media.LOOP_S * FRAMES_PER_S
AGAIN = 2 * 4
"""The picture that follows the last one. A real encoder makes no keyframe every few seconds, so the loop goes back behind its own: by
whole patterns of temporal layers, the first of which refers to the keyframe in its own way. Chromium's VP9 in layers carries no
probabilities over from picture to picture, so what follows decodes, and as the picture pans forth and back it refers to much the same."""
_ON_THE_WAY_S = 4.0
"""What the browser takes to start, and the last pictures."""

PAGE = """<!doctype html><script>
const take = TAKE;
(async () => {
  const [width, height] = take.size;
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width, height, frameRate: take.rate } });
  const pc = new RTCPeerConnection();
  const encoding = { scalabilityMode: take.mode, maxBitrate: take.bitrate };
  const transceiver = pc.addTransceiver(stream.getVideoTracks()[0], { direction: "sendonly", sendEncodings: [encoding] });
  const codecs = RTCRtpSender.getCapabilities("video").codecs;
  const fits = (c) => c.mimeType === "video/VP9" && /profile-id=0/.test(c.sdpFmtpLine ?? "");
  // With retransmission, because otherwise padding takes numbers between the packets.
  transceiver.setCodecPreferences([...codecs.filter(fits), ...codecs.filter((c) => /rtx/.test(c.mimeType))]);
  const parameters = transceiver.sender.getParameters();
  parameters.degradationPreference = "maintain-resolution";
  await transceiver.sender.setParameters(parameters);
  const extensions = transceiver.getHeaderExtensionsToNegotiate();
  for (const e of extensions) if (/dependency-descriptor/.test(e.uri)) e.direction = "sendrecv";
  transceiver.setHeaderExtensionsToNegotiate(extensions);
  await pc.setLocalDescription();
  const answer = await fetch("/offer", { method: "POST", body: pc.localDescription.sdp });
  await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  setTimeout(() => transceiver.sender.setParameters(transceiver.sender.getParameters(), { encodingOptions: [{ keyFrame: true }] }),
    take.warmUpMs);
})().catch((error) => fetch("/error", { method: "POST", body: String(error.stack) }));
</script>"""


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A packet. `descriptor`: its dependency descriptor; `spatial`, `temporal`: the layer it is of."""

    payload: bytes
    descriptor: bytes
    spatial: int
    temporal: int


class SvcLoop(msgspec.Struct, frozen=True):
    """Pictures at 30 a second for `media.LOOP_S`, the first a keyframe and no other; played again from `AGAIN` on."""

    pictures: list[list[Part]]


async def load() -> SvcLoop:
    """The loop; recorded (half a minute, most of a core) where it is not there yet.

    Raises:
        RuntimeError: Chromium did not send what is wanted in real time; the text says what. Try again when nothing else runs.
    """
    try:
        return kept()
    except (FileNotFoundError, msgspec.MsgspecError):
        loop = await _record()
        media.keep(path(), msgspec.msgpack.encode(loop))
        return loop


def kept() -> SvcLoop:
    """The loop that was recorded before."""
    return msgspec.msgpack.decode(path().read_bytes(), type=SvcLoop)


def path() -> Path:
    """Where the loop is kept."""
    return media.KEPT / f"host-svc-{VERSION}.msgpack"


async def _record() -> SvcLoop:
    take = {
        "size": SIZE,
        "mode": MODE,
        "bitrate": BITRATE / SLOWER,
        "rate": FRAMES_PER_S / SLOWER,
        "warmUpMs": WARM_UP_S * 1000,
    }
    page = PAGE.replace("TAKE", json.dumps(take))
    with tempfile.TemporaryDirectory() as folder:
        camera = Path(folder, "camera.y4m")
        await asyncio.to_thread(_write_camera, camera)
        captured = await capture(page, str(camera), WARM_UP_S + SLOWER * media.LOOP_S + _ON_THE_WAY_S)
    return cut(captured)


def _write_camera(path: Path) -> None:
    width, height = SIZE
    pictures = []
    for picture in media.pictures(PICTURES // 2):
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p").reformat(width=width, height=height)
        pictures.append(frame.to_ndarray().tobytes())
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{FRAMES_PER_S // SLOWER}:1 Ip A1:1 C420jpeg\n".encode())
        for picture in (*pictures, *reversed(pictures)):
            file.write(b"FRAME\n" + picture)


def cut(captured: Captured) -> SvcLoop:
    """The loop: from the first keyframe behind which so many pictures come without another.

    Raises:
        RuntimeError: there is none, or packets or layers lack, or the pictures came too slowly.
    """
    packets = [Packet.parse(packet, round(at * 1e6)) for at, packet in captured.packets]
    if not packets:
        raise RuntimeError("Chromium sent no picture")
    pictures = list(_pictures(packets, captured.extensions["dependency-descriptor"]))
    begins = [place for place, (_, parts) in enumerate(pictures) if is_key(parts[0])]
    ends = [*begins[1:], len(pictures)]
    start = next((begin for begin, end in zip(begins, ends, strict=True) if end - begin >= PICTURES), None)
    if start is None:
        raise RuntimeError(
            f"Chromium sent keyframes at {begins} of {len(pictures)} pictures, none in front of {PICTURES}"
        )
    chosen = pictures[start : start + PICTURES]
    seconds = (chosen[-1][0][-1].timestamp - chosen[0][0][0].timestamp) % (1 << 32) / 90_000
    if len(chosen) / seconds < LEAST_PICTURES_S:
        raise RuntimeError(
            f"Chromium sent {len(chosen) / seconds:.1f} pictures a second: it has too little of the machine"
        )
    sequences = [packet.sequence for parts, _ in chosen for packet in parts]
    if any((after - before) & 0xFFFF != 1 for before, after in pairwise(sequences)):
        raise RuntimeError("packets lack")
    whole = [parts for _, parts in chosen]
    if any({part.spatial for part in parts} != set(range(LAYERS)) for parts in whole):
        raise RuntimeError("Chromium left out spatial layers")
    return SvcLoop(whole)


def _pictures(packets: Sequence[Packet], descriptor: int) -> Iterator[tuple[list[Packet], list[Part]]]:
    for _, group in groupby(packets, key=lambda packet: packet.timestamp):
        of_picture = list(group)
        yield of_picture, [_part(packet, packet.extensions.get(descriptor, b"")) for packet in of_picture]


def _part(packet: Packet, descriptor: bytes) -> Part:
    layer = packet.payload[3] if packet.payload[0] & 0x20 and packet.payload[1] & 0x80 else 0
    return Part(packet.payload, descriptor, layer >> 1 & 7, layer >> 5)


def is_key(part: Part) -> bool:
    """Whether a decoder can begin here (RFC 9628 section 4.2: P off, B on, the lowest layer)."""
    return part.payload[0] & 0x48 == 0x08 and part.spatial == 0
