"""Record anew what Chromium sends in layers: `python -m tests.layers.record` (needs chromium and build/test-media).

A page publishes the fake camera to a media node of this process, through a relay that keeps the packets. They are decrypted
with the keys of the node's own DTLS association.
"""

import asyncio
import json
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from pylibsrtp import Error, Policy, Session

from media import negotiation
from media.dtls import SrtpKeys
from media.node import MediaConfig, MediaNode
from media.offer import Offer
from media.peer import Peer
from media.views import Publisher
from tests.layers.depacketize import begins_keyframe
from tests.layers.recording import Packet, Recording

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


@dataclass
class Relay(asyncio.DatagramProtocol):
    """Between the browser and the node: passes everything on, keeps what comes from the browser."""

    node: tuple[str, int]
    kept: list[tuple[float, bytes]] = field(default_factory=list)
    browser: tuple[str, int] | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr == self.node:
            if self.browser is not None:
                self.transport.sendto(data, self.browser)
            return
        self.browser = addr
        self.kept.append((asyncio.get_running_loop().time(), data))
        self.transport.sendto(data, self.node)


def serve(take: dict[str, Any], listening: socket.socket, on_offer: Callable[[str], Awaitable[str]]) -> uvicorn.Server:
    """A page that publishes this take."""
    app = FastAPI()

    @app.get("/")
    def page() -> Response:
        return Response(PAGE.replace("TAKE", json.dumps(take)), media_type="text/html")

    @app.post("/offer")
    async def offer(request: Request) -> Response:
        return Response(await on_offer((await request.body()).decode()), media_type="application/sdp")

    @app.post("/error")
    async def error(request: Request) -> None:
        print((await request.body()).decode(), file=sys.stderr)

    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    asyncio.get_running_loop().create_task(server.serve(sockets=[listening]))
    return server


async def record(name: str) -> None:
    """Record one take."""
    take = TAKES[name]
    node = MediaNode(MediaConfig(host="127.0.0.1", port=0, tcp=False))
    await node.start()
    loop = asyncio.get_running_loop()
    _, relay = await loop.create_datagram_endpoint(lambda: Relay(("127.0.0.1", node.port)), local_addr=("127.0.0.1", 0))
    port = relay.transport.get_extra_info("sockname")[1]
    offers: list[Offer] = []
    keys: list[SrtpKeys] = []
    opened = Peer._open_media

    def open_media(peer: Peer, agreed: SrtpKeys) -> None:
        keys.append(agreed)
        opened(peer, agreed)

    Peer._open_media = open_media  # type: ignore[method-assign]  # the one place where keys pass

    async def on_offer(sdp: str) -> str:
        offers.append(Offer.parse(sdp))
        publisher = Publisher("host", "Host", "main")
        publishing = await node.publish("room", publisher=publisher, offer=sdp, on_closed=print)
        return publishing.answer.replace(f" {node.port} typ host", f" {port} typ host")

    listening = socket.create_server(("127.0.0.1", 0))
    server = serve(take, listening, on_offer)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    flags = [
        *(
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-sync",
        ),
        *(
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={CAMERA.format(**take)}",
        ),
        *("--disable-features=WebRtcHideLocalIpsWithMdns", f"--unsafely-treat-insecure-origin-as-secure={url}"),
    ]
    with tempfile.TemporaryDirectory() as profile:
        command = ["chromium", *flags, f"--user-data-dir={profile}", url]
        browser = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
        await asyncio.sleep(WARM_UP_S + 2 * LENGTH_S)
        browser.terminate()
        await browser.wait()
    server.should_exit = True
    await node.close()
    Peer._open_media = opened  # type: ignore[method-assign]
    section = next(s for s in offers[0].sections if s.kind == "video")
    codec = negotiation.publishable(section)
    accepted = negotiation.accepted_extensions(section, publishing=True)
    extensions = negotiation.plane_extensions([accepted])
    kept = decrypt(relay.kept, keys[0], codec.payload_type)
    packets = cut(kept, codec.name)
    arrived = {Packet.parse(packet).ssrc for _, packet in packets}
    ssrcs = [ssrc for ssrc in encodings(kept, extensions["rid"], section.rids) if ssrc in arrived]
    micros = [round((at - packets[0][0]) * 1e6) for at, _ in packets]
    Recording(codec.name, codec.payload_type, extensions, ssrcs, [p for _, p in packets], micros).save(name)
    print(name, codec.name, len(packets), "packets", sum(len(p) for _, p in packets), "octets")


def decrypt(kept: list[tuple[float, bytes]], keys: SrtpKeys, payload_type: int) -> list[tuple[float, bytes]]:
    """The packets of this payload type, opened."""
    profile = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
    session = Session(Policy(keys.receive_key + keys.receive_salt, Policy.SSRC_ANY_INBOUND, srtp_profile=profile))
    opened = []
    for at, datagram in kept:
        if 128 <= datagram[0] < 192 and datagram[1] & 0x7F == payload_type:
            try:
                plain = session.unprotect(datagram)
            except Error:
                continue
            if Packet.parse(plain).payload:
                opened.append((at, plain))
    return opened


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
