"""One member that watches: it joins over the WebSocket with an offer, as a page does."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from time import perf_counter

import msgspec
from aiortc import RTCPeerConnection, RTCSessionDescription
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from loadtests.draining import on_loopback, peer_connection
from loadtests.fleet_messages import Connected, Ended, FirstPacket, Report
from loadtests.replica import Replica
from loadtests.target import PATIENCE_S, Target
from signaling import VERSION
from signaling.codec import MAX_MESSAGE_BYTES
from signaling.messages import Error, Events, Join, Joined, MediaClosed, ServerMessage

_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)
_encoder = msgspec.json.Encoder()


class Out(Exception):
    """The viewer cannot go on; the text says why."""


class MediaMember:
    """A viewer.

    Args:
        viewer: its number, in what it reports.
        target: where it joins.
        report: told of each step.
    """

    def __init__(self, viewer: int, target: Target, report: Callable[[Report], None]) -> None:
        self._viewer = viewer
        self._target = target
        self._report = report
        self._replica = Replica()
        self._connected = asyncio.Event()
        self._first_packet = asyncio.Event()
        self._disconnected = asyncio.Event()

    async def attend(self, stop: asyncio.Event) -> Ended:
        """Watch until `stop` is set.

        Raises:
            Out: it could not come in, or was thrown out, or an event was missing.
            Exception: whatever aiortc raises on an answer that it does not like.
        """
        began = perf_counter()
        async with AsyncExitStack() as stack:
            socket = await stack.enter_async_context(self._open())
            pc = peer_connection()
            stack.push_async_callback(pc.close)
            self._watch(pc)
            await self._join(socket, pc)
            reading = asyncio.create_task(self._read(socket))
            stack.callback(reading.cancel)
            await self._until(self._connected, "the connection was not made", reading)
            self._report(Connected(self._viewer, (perf_counter() - began) * 1000))
            await self._until(self._first_packet, "no packet came; does anybody publish in this session?", reading)
            self._report(FirstPacket(self._viewer, (perf_counter() - began) * 1000))
            await self._until(stop, None, reading)
            return self._ended(pc)

    def _open(self) -> connect:
        # A proxy of the environment is for the outside.
        return connect(self._target.socket_url, proxy=None, max_size=MAX_MESSAGE_BYTES, compression=None)

    def _watch(self, pc: RTCPeerConnection) -> None:
        for receiver in pc.getReceivers():
            receiver.on_packet = self._first_packet.set

        @pc.on("connectionstatechange")  # type: ignore[untyped-decorator]  # aiortc has no stubs
        def changed() -> None:
            if pc.connectionState == "connected":
                self._connected.set()
            elif pc.connectionState in ("failed", "closed"):
                self._disconnected.set()

    async def _join(self, socket: ClientConnection, pc: RTCPeerConnection) -> None:
        await pc.setLocalDescription(await pc.createOffer())
        join = Join(
            v=VERSION,
            session=self._target.session,
            token=self._target.token,
            name=f"Viewer {self._viewer}",
            offer=pc.localDescription.sdp,
        )
        await socket.send(_encoder.encode(join), text=True)
        try:
            async with asyncio.timeout(PATIENCE_S):
                reply = _decoder.decode(await socket.recv())
        except TimeoutError:
            raise Out(f"no answer to `join` within {PATIENCE_S:g} s") from None
        if not isinstance(reply, Joined):
            raise Out(_in_words(reply))
        if reply.answer is None:
            problem = reply.media_error
            raise Out(f"{problem.code}: {problem.message}" if problem else "no answer came to the offer")
        self._replica.start(reply)
        answer = on_loopback(reply.answer, self._target.address)
        await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def _read(self, socket: ClientConnection) -> None:
        """Follow the session; ends with an exception."""
        while True:
            message = _decoder.decode(await socket.recv())
            if isinstance(message, Events):
                self._replica.apply(message)
            elif isinstance(message, MediaClosed | Error):
                raise Out(_in_words(message))

    async def _until(self, event: asyncio.Event, else_: str | None, reading: asyncio.Task[None]) -> None:
        """Wait for an event, unless the viewer is thrown out before; `else_` says what it means not to come in time."""
        waiting = [asyncio.create_task(happening.wait()) for happening in (event, self._disconnected)]
        timeout = None if else_ is None else PATIENCE_S
        try:
            await asyncio.wait((*waiting, reading), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        if reading.done():
            try:
                reading.result()
            except ConnectionClosed as end:
                raise Out(f"the socket was closed: {end}") from end
        if self._disconnected.is_set():
            raise Out("the media connection was lost")
        if not event.is_set():
            raise Out(f"{else_} (waited {PATIENCE_S:g} s)")

    def _ended(self, pc: RTCPeerConnection) -> Ended:
        receptions = [receiver.reception for receiver in pc.getReceivers()]
        return Ended(
            viewer=self._viewer,
            packets=sum(reception.packets for reception in receptions),
            octets=sum(reception.octets for reception in receptions),
            recovered=sum(reception.recovered for reception in receptions),
            lost=sum(reception.lost for reception in receptions),
            events=self._replica.events,
        )


def _in_words(message: ServerMessage) -> str:
    match message:
        case Error():
            return f"{message.code}: {message.message}"
        case MediaClosed():
            return f"the server closed the media connection: {message.reason}"
        case _:
            return f"{type(message).__name__} came unasked"
