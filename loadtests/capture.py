"""What Chromium sends: a page publishes a fake camera to a media node of this process, through a relay that keeps the packets.

They are decrypted with the keys of the node's own DTLS association.
"""

import asyncio
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI, Request, Response
from pylibsrtp import Error, Policy, Session

from loadtests.rtp_packet import Packet
from media import negotiation
from media.config import MediaConfig
from media.dtls import SrtpKeys
from media.node import MediaNode
from media.offer import Offer
from media.peer import Peer
from media.views import Publisher

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)


@dataclass(frozen=True)
class Captured:
    """`extensions`: ids by the plane's short names. `packets`: each with its time of arrival in s; all have a payload."""

    codec: str
    payload_type: int
    extensions: dict[str, int]
    rids: Sequence[str]
    packets: list[tuple[float, bytes]]


async def capture(page: str, camera: str, seconds: float) -> Captured:
    """Run the page for so long.

    Args:
        page: HTML with a script that posts its offer of one video section to `/offer`, and errors to `/error`.
        camera: file of Chromium's fake camera, MJPEG or Y4M.

    Raises:
        RuntimeError: the page made no offer, or got no keys.
    """
    node = MediaNode(MediaConfig(host="127.0.0.1", port=0, tcp=False))
    await node.start()
    loop = asyncio.get_running_loop()
    _, relay = await loop.create_datagram_endpoint(
        lambda: _Relay(("127.0.0.1", node.port)), local_addr=("127.0.0.1", 0)
    )
    port = relay.transport.get_extra_info("sockname")[1]
    offers: list[Offer] = []
    keys: list[SrtpKeys] = []
    opened = Peer._open_media

    def open_media(peer: Peer, agreed: SrtpKeys) -> None:
        keys.append(agreed)
        opened(peer, agreed)

    async def on_offer(sdp: str) -> str:
        offers.append(Offer.parse(sdp))
        publisher = Publisher("host", "Host", "main")
        publishing = await node.publish("room", publisher=publisher, offer=sdp, on_closed=print)
        return publishing.answer.replace(f" {node.port} typ host", f" {port} typ host")

    Peer._open_media = open_media  # type: ignore[method-assign]  # the one place where keys pass
    try:
        await _browse(page, camera, seconds, on_offer)
    finally:
        await node.close()
        relay.transport.close()
        Peer._open_media = opened  # type: ignore[method-assign]
    if not offers or not keys:
        raise RuntimeError("the page did not connect")
    section = next(s for s in offers[0].sections if s.kind == "video")
    codec = negotiation.publishable(section)
    accepted = negotiation.accepted_extensions(section, publishing=True)
    packets = _decrypt(relay.kept, keys[0], codec.payload_type)
    extensions = negotiation.plane_extensions([accepted])
    return Captured(codec.name, codec.payload_type, extensions, section.rids, packets)


async def _browse(page: str, camera: str, seconds: float, on_offer: Callable[[str], Awaitable[str]]) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(_application(page, on_offer), log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    more = (f"--use-file-for-fake-video-capture={camera}", f"--unsafely-treat-insecure-origin-as-secure={url}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = ["chromium", *_FLAGS, *more, f"--user-data-dir={profile}", url]
        browser = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
        try:
            await asyncio.sleep(seconds)
        finally:
            browser.terminate()
            await browser.wait()
    server.should_exit = True
    await serving


@dataclass
class _Relay(asyncio.DatagramProtocol):
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


def _application(html: str, on_offer: Callable[[str], Awaitable[str]]) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    def page() -> Response:
        return Response(html, media_type="text/html")

    @app.post("/offer")
    async def offer(request: Request) -> Response:
        return Response(await on_offer((await request.body()).decode()), media_type="application/sdp")

    @app.post("/error")
    async def error(request: Request) -> None:
        print((await request.body()).decode(), file=sys.stderr)

    return app


def _decrypt(kept: list[tuple[float, bytes]], keys: SrtpKeys, payload_type: int) -> list[tuple[float, bytes]]:
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
