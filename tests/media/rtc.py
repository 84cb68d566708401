"""aiortc as the browser: connections to a media node, and what their callbacks were told."""

import asyncio
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from aiortc import (
    AudioStreamTrack,
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from av import AudioFrame

from media.connections import Publishing, Receiving
from media.node import MediaNode
from media.views import Publisher, SlotView

HOST = Publisher("p-host", "Ana")


@dataclass
class Log:
    """What a connection's callbacks were told; `changed` wakes who waits."""

    slots: list[list[SlotView]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    speakers: list[tuple[str, list[str]]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def on_slots(self, slots: list[SlotView]) -> None:
        self.slots.append(slots)
        self.changed.set()

    def on_closed(self, reason: str) -> None:
        self.closed.append(reason)
        self.changed.set()

    def on_speakers(self, room: str, people: list[str]) -> None:
        self.speakers.append((room, people))
        self.changed.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                self.changed.clear()
                await self.changed.wait()

    def shows(self, slot: str) -> bool:
        last = self.slots[-1] if self.slots else []
        return any(view.slot == slot and view.source is not None for view in last)


def peer_connection() -> RTCPeerConnection:
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


async def publish(
    node: MediaNode,
    pc: RTCPeerConnection,
    log: Log,
    *,
    publisher: Publisher = HOST,
    room: str = "r",
    microphone: MediaStreamTrack | None = None,
    **options: bool,
) -> Publishing:
    pc.addTransceiver(VideoStreamTrack(), "sendonly")
    pc.addTransceiver(microphone or AudioStreamTrack(), "sendonly")
    await pc.setLocalDescription(await pc.createOffer())
    publishing = await node.publish(
        room, publisher=publisher, offer=pc.localDescription.sdp, on_closed=log.on_closed, **options
    )
    await pc.setRemoteDescription(RTCSessionDescription(publishing.answer, "answer"))
    return publishing


async def receive(node: MediaNode, pc: RTCPeerConnection, log: Log, *, room: str = "r", **options: bool) -> Receiving:
    pc.addTransceiver("video", "recvonly")
    pc.addTransceiver("audio", "recvonly")
    await pc.setLocalDescription(await pc.createOffer())
    receiving = await node.receive(
        room, offer=pc.localDescription.sdp, on_slots=log.on_slots, on_closed=log.on_closed, **options
    )
    log.on_slots(receiving.slots)
    await pc.setRemoteDescription(RTCSessionDescription(receiving.answer, "answer"))
    return receiving


def track(pc: RTCPeerConnection, kind: str) -> MediaStreamTrack:
    return next(t.receiver.track for t in pc.getTransceivers() if t.kind == kind)


class ToneTrack(AudioStreamTrack):  # type: ignore[misc]  # aiortc has no stubs
    """A loud tone."""

    async def recv(self) -> AudioFrame:
        frame = await super().recv()
        for plane in frame.planes:
            count = plane.buffer_size // 2
            plane.update(struct.pack(f"<{count}h", *(int(12_000 * math.sin(index / 4)) for index in range(count))))
        return frame
