"""Browsers and encoders for tests: aiortc peers that offer as those do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiortc import (
    AudioStreamTrack,
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from av import VideoFrame

from tests.server.ws_client import Client, Message


@asynccontextmanager
async def peer() -> AsyncIterator[RTCPeerConnection]:
    """A peer connection that is closed at the end."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
    try:
        yield connection
    finally:
        await connection.close()


async def sending_offer(connection: RTCPeerConnection, microphone: MediaStreamTrack | None = None) -> str:
    """An offer that publishes a camera and a microphone."""
    connection.addTransceiver(microphone or AudioStreamTrack(), "sendonly")
    connection.addTransceiver(VideoStreamTrack(), "sendonly")
    return await _offer(connection)


def with_simulcast(offer: str, *rids: str) -> str:
    """The offer with encodings of its camera, which aiortc cannot send."""
    lines = [f"a=rid:{rid} send" for rid in rids] + [f"a=simulcast:send {';'.join(rids)}"]
    head, camera = offer.split("m=video", 1)
    return f"{head}m=video{camera}" + "".join(f"{line}\r\n" for line in lines)


async def receiving_offer(connection: RTCPeerConnection) -> str:
    """An offer that receives the main picture and its sound."""
    connection.addTransceiver("video", "recvonly")
    connection.addTransceiver("audio", "recvonly")
    return await _offer(connection)


async def apply(connection: RTCPeerConnection, answer: str) -> None:
    """Connect."""
    await connection.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))


async def until(connection: RTCPeerConnection, state: str) -> None:
    """Wait until the connection is "connected" or "closed"."""
    changed = asyncio.Event()
    connection.on("connectionstatechange", changed.set)
    async with asyncio.timeout(20):
        while connection.connectionState != state:
            changed.clear()
            await changed.wait()


async def go_live(client: Client, camera: RTCPeerConnection) -> Message:
    """Publish a camera, and be connected."""
    await client.send(type="publish", offer=await sending_offer(camera))
    published = await client.expect("published")
    await apply(camera, published["answer"])
    await until(camera, "connected")
    return published


async def next_picture(connection: RTCPeerConnection) -> VideoFrame:
    """The next decoded frame of the main picture."""
    receiver = next(t.receiver for t in connection.getTransceivers() if t.kind == "video")
    async with asyncio.timeout(20):
        return await receiver.track.recv()


async def _offer(connection: RTCPeerConnection) -> str:
    await connection.setLocalDescription(await connection.createOffer())
    sdp: str = connection.localDescription.sdp
    return sdp
