"""The reference: a WHEP server as aiortc's documentation would have it, which decodes and encodes for each viewer."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from fractions import Fraction
from itertools import cycle

import aioice.ice
import av
import uvicorn
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse

from server.demo_media import Loop
from server.demo_picture import FRAMES_PER_S, SAMPLES_PER_S

CLOSE_AFTER_S = 20.0


class DecodedTrack(MediaStreamTrack):  # type: ignore[misc]  # aiortc has no stubs
    """The demo's loop, decoded frame by frame; a track for each viewer, because aiortc encodes for each."""

    def __init__(self, kind: str, codec: str, frames: list[bytes], per_s: int, step: int) -> None:
        self.kind = kind
        super().__init__()
        self._decoder = av.CodecContext.create(codec, "r")
        self._frames = cycle(frames)
        self._time_base, self._step, self._count = Fraction(1, per_s), step, 0
        self._began: float | None = None

    async def recv(self) -> av.VideoFrame | av.AudioFrame:
        """The next frame, when it is due."""
        clock = asyncio.get_running_loop().time
        self._began = self._began or clock()
        await asyncio.sleep(self._began + float(self._count * self._step * self._time_base) - clock())
        decoded: list[av.VideoFrame | av.AudioFrame] = []
        while not decoded:
            decoded = list(self._decoder.decode(av.Packet(next(self._frames))))  # type: ignore[attr-defined]
        frame = decoded[0]
        frame.pts, frame.time_base = self._count * self._step, self._time_base
        self._count += 1
        return frame


class StockServer:
    """Answers WHEP offers.

    Args:
        loop: what is shown.
        media_address: "ip:port" that answers name instead of aiortc's own.
        lead: called with "ip:port" of aiortc's socket before an answer is given.
    """

    def __init__(self, loop: Loop, media_address: str, lead: Callable[[str], Awaitable[None]]) -> None:
        self._loop, self._media_address, self._lead = loop, media_address, lead
        self._open: set[RTCPeerConnection] = set()
        aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]

    async def serve(self, port: int) -> None:
        """Serve on loopback until cancelled."""
        config = uvicorn.Config(self._app(), host="127.0.0.1", port=port, log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        try:
            await server.serve()
        finally:
            await asyncio.gather(*(connection.close() for connection in self._open))

    def _app(self) -> FastAPI:
        app = FastAPI()
        app.get("/", response_class=HTMLResponse)(lambda: "<!doctype html><title>stock</title>")
        app.get("/ready", response_class=PlainTextResponse)(lambda: "ready")

        @app.post("/whep", response_class=PlainTextResponse)
        async def whep(request: Request) -> str:
            return await self._answer((await request.body()).decode())

        @app.delete("/whep", status_code=204)
        async def leave() -> None:
            # One page joins at a time; encoding for one that has gone would slow the next, ours too.
            await asyncio.gather(*(self._close(connection) for connection in tuple(self._open)))

        return app

    async def _answer(self, offer: str) -> str:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._open.add(connection)
        asyncio.get_running_loop().call_later(CLOSE_AFTER_S, lambda: asyncio.ensure_future(self._close(connection)))
        connection.addTrack(DecodedTrack("video", "libvpx", self._loop.video, FRAMES_PER_S, 1))
        connection.addTrack(DecodedTrack("audio", "libopus", self._loop.audio, SAMPLES_PER_S, 960))
        # Its candidates lead past the link.
        reachable = re.sub(r"^a=candidate:.*\r\n", "", offer, flags=re.MULTILINE)
        await connection.setRemoteDescription(RTCSessionDescription(reachable, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        answer: str = connection.localDescription.sdp
        own = re.search(r"^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", answer, re.MULTILINE)
        assert own is not None, "aiortc gathered on loopback"
        await self._lead(f"{own[1]}:{own[2]}")
        host, port = self._media_address.split(":")
        return answer.replace(f" {own[1]} {own[2]} typ host", f" {host} {port} typ host")

    async def _close(self, connection: RTCPeerConnection) -> None:
        self._open.discard(connection)
        await connection.close()
