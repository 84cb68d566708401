"""Record anew what Chromium sends in layers: `python -m tests.layers.record` (needs chromium and build/test-media).

A page publishes the fake camera; `loadtests/capture.py` keeps its packets.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any

from loadtests.capture import capture
from loadtests.rtp_packet import Packet
from tests.layers.depacketize import begins_keyframe
from tests.layers.recording import Recording

CAMERA = "build/test-media/camera-{height}.mjpeg"
WARM_UP_S = 7.0
"""Chromium turns the upper layers on as its estimate of the uplink grows."""
LENGTH_S = 3.0

TAKES: dict[str, dict[str, Any]] = {
    "vp8": {
        "codec": "video/VP8",
        "mode": "L1T3",
        "height": 720,
        "scales": [4, 2, 1],
        "kbps": [60, 120, 300],
        "dd": False,
    },
    "h264_dd": {
        "codec": "video/H264",
        "mode": "L1T3",
        "height": 720,
        "scales": [4, 2, 1],
        "kbps": [60, 120, 300],
        "dd": True,
    },
    "vp9": {"codec": "video/VP9", "mode": "L3T3", "height": 360, "scales": [1], "kbps": [350], "dd": False},
    "vp9_key_dd": {"codec": "video/VP9", "mode": "L3T3_KEY", "height": 720, "scales": [1], "kbps": [900], "dd": True},
    "av1_dd": {"codec": "video/AV1", "mode": "L2T2", "height": 360, "scales": [1], "kbps": [350], "dd": True},
}

PAGE = """<!doctype html><script>
const take = TAKE, rids = ["q", "h", "f"];
(async () => {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: take.height * 16 / 9, height: take.height, frameRate: 30 } });
  const pc = new RTCPeerConnection();
  const sendEncodings = take.scales.map((scale, n) => ({ scaleResolutionDownBy: scale, maxBitrate: take.kbps[n] * 1000,
    scalabilityMode: take.mode, ...(take.scales.length > 1 ? { rid: rids[n] } : {}) }));
  const transceiver = pc.addTransceiver(stream.getVideoTracks()[0], { direction: "sendonly", sendEncodings });
  const codecs = RTCRtpSender.getCapabilities("video").codecs;
  const fits = (c) => c.mimeType === take.codec && !/packetization-mode=0/.test(c.sdpFmtpLine ?? "");
  transceiver.setCodecPreferences([...codecs.filter(fits), ...codecs.filter((c) => /rtx/.test(c.mimeType))]);
  const extensions = transceiver.getHeaderExtensionsToNegotiate();
  for (const e of extensions) if (/dependency-descriptor/.test(e.uri)) e.direction = take.dd ? "sendrecv" : "stopped";
  transceiver.setHeaderExtensionsToNegotiate(extensions);
  await pc.setLocalDescription();
  const answer = await fetch("/offer", { method: "POST", body: pc.localDescription.sdp });
  await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  setInterval(async () => {
    const parameters = transceiver.sender.getParameters();
    await transceiver.sender.setParameters(parameters, { encodingOptions: parameters.encodings.map(() => ({ keyFrame: true })) });
  }, 700);
})().catch((error) => fetch("/error", { method: "POST", body: String(error.stack) }));
</script>"""


async def record(name: str) -> None:
    """Record one take."""
    take = TAKES[name]
    page = PAGE.replace("TAKE", json.dumps(take))
    captured = await capture(page, CAMERA.format(**take), WARM_UP_S + 2 * LENGTH_S)
    packets = cut(captured.packets, captured.codec)
    arrived = {Packet.parse(packet).ssrc for _, packet in packets}
    of_rids = encodings(captured.packets, captured.extensions["rid"], captured.rids)
    ssrcs = [ssrc for ssrc in of_rids if ssrc in arrived]
    micros = [round((at - packets[0][0]) * 1e6) for at, _ in packets]
    plain = [packet for _, packet in packets]
    Recording(captured.codec, captured.payload_type, captured.extensions, ssrcs, plain, micros).save(name)
    print(name, captured.codec, len(packets), "packets", sum(map(len, plain)), "octets")


def encodings(kept: list[tuple[float, bytes]], rid: int, rids: Sequence[str]) -> list[int]:
    """The SSRC of each encoding, lowest first. The first packets of a stream tell its rid."""
    packets = [Packet.parse(packet) for _, packet in kept]
    known = {p.extensions[rid].decode(): p.ssrc for p in packets if rid in p.extensions}
    return [known[rid] for rid in rids if rid in known] or [packets[0].ssrc]


def cut(kept: list[tuple[float, bytes]], codec: str) -> list[tuple[float, bytes]]:
    """Warmed up, for `LENGTH_S`: each stream from a keyframe on, in order."""
    start = kept[0][0] + WARM_UP_S
    highest: dict[int, int] = {}
    result = []
    for at, raw in kept:
        packet = Packet.parse(raw)
        begins = packet.ssrc in highest or begins_keyframe(codec, packet.payload)
        if start <= at < start + LENGTH_S and begins and highest.get(packet.ssrc) != packet.sequence:
            highest[packet.ssrc] = packet.sequence
            result.append((at, raw))
    return result


async def main(names: list[str]) -> None:
    """Record these takes, or all."""
    for name in names or list(TAKES):
        await record(name)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
