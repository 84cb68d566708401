"""The WebSocket edge: one `Socket` for each, from the upgrade to the close."""

import asyncio
import logging
import time

from starlette.websockets import WebSocketDisconnect

from server.doorway import Doorway
from server.faults import in_wire_terms
from server.joining import Joining
from server.media_links import ReceiveLink
from server.member import Member
from server.metrics import Metrics
from server.outbox import Outbox
from server.rate import TokenBucket
from server.requests import Requests
from server.socket_protocol import SocketProtocol
from signaling.codec import decode, encode
from signaling.errors import Busy, RateLimited, Unexpected, to_message
from signaling.messages import ClientMessage, Join, ServerMessage, Switch, Waiting

logger = logging.getLogger(__name__)

FLUSH_TIMEOUT_S = 2.0
"""How long the last messages may take before a socket is closed."""

MESSAGES_PER_S = 10.0
MESSAGES_AT_ONCE = 20
PENALTY_S = 0.005
"""Pause after a message that came too fast: a flood gets at most 200 answers a second, the rest of it waits in TCP."""

CLOSE_FULL = 1013
CLOSE_PROTOCOL = 4400
CLOSE_NO_JOIN = 4408
CLOSE_TOO_SLOW = 4413

LEFT = frozenset({1000, 1001})
"""Close codes of a page that left on purpose and takes its media with it."""


class Socket:
    """One WebSocket. Nothing that its peer sends or leaves undone reaches another one.

    Args:
        protocol: of the socket, which is not accepted yet.
        joining: makes a member of a `join`.
        requests: carries out everything after it.
        metrics: counts.
        doorway: where joins wait for their turn.
        join_timeout_s: time for the first message.
    """

    def __init__(
        self,
        protocol: SocketProtocol,
        *,
        joining: Joining,
        requests: Requests,
        metrics: Metrics,
        doorway: Doorway,
        join_timeout_s: float,
    ) -> None:
        self._joining = joining
        self._requests = requests
        self._metrics = metrics
        self._doorway = doorway
        self._join_timeout_s = join_timeout_s
        self._protocol = protocol
        self._outbox = Outbox(protocol.write_now, frame_of=protocol.frame_of, on_wait=self._write, on_end=self._end)
        self._writing: asyncio.Task[int] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._member: Member | None = None
        self._end_code = 1006
        self._bucket = TokenBucket(rate_per_s=MESSAGES_PER_S, burst=MESSAGES_AT_ONCE, now=time.monotonic())

    async def run(self) -> None:
        """Serve until the socket ends; never raises for anything that the peer does."""
        self._protocol.accept()
        with self._metrics.sockets.track_inprogress():
            try:
                # Never cancelled on the way: a request that is half done ends first, so that `leave` sees all it made.
                await self._read()
                if self._ending is not None:
                    await self._ending
            finally:
                self._outbox.close()
                tasks = [task for task in (self._writing, self._ending) if task is not None]
                for task in tasks:
                    task.cancel()
                if tasks:
                    await asyncio.gather(*tasks, return_exceptions=True)
                if self._member is not None:
                    self._joining.leave(self._member, for_good=self._end_code in LEFT)

    def _write(self) -> None:
        """Something waits. Most sockets take all at once, and need no task for that."""
        if self._writing is None:
            self._writing = asyncio.create_task(self._outbox.run(self._protocol.write_frame))

    def _end(self) -> None:
        """The outbox is finished, or overflows."""
        self._ending = asyncio.create_task(self._close())

    async def _close(self) -> None:
        """Close when the last messages are sent; the reader ends by that."""
        overflow = self._outbox.overflow
        if self._writing is not None and not overflow.done():
            await asyncio.wait((self._writing, overflow), return_when=asyncio.FIRST_COMPLETED, timeout=FLUSH_TIMEOUT_S)
        if overflow.done():
            self._outbox.finish(CLOSE_TOO_SLOW)
        code = self._outbox.close_code
        assert code is not None
        self._metrics.closes.labels(str(code)).inc()
        await self._protocol.end(code)

    async def _read(self) -> None:
        try:
            await self._join()
            while not self._outbox.finishing:
                # Who does not read the answers is not read either.
                await self._outbox.drained()
                message = await self._receive()
                await (self._enter(message) if isinstance(message, Switch) else self._answer(message))
        except WebSocketDisconnect as end:
            self._end_code = end.code

    async def _receive(self) -> ClientMessage | Exception:
        """The next message, or what is wrong with it."""
        event = await self._protocol.receive()  # what starlette would pass on
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code") or 1005)
        text = event.get("text")
        if not isinstance(text, str):
            return Unexpected("messages are text frames")
        try:
            return decode(text)
        except Exception as error:  # noqa: BLE001 (told to the peer where the message is answered)
            return error

    async def _join(self) -> None:
        timer = asyncio.get_running_loop().call_later(self._join_timeout_s, self._outbox.finish, CLOSE_NO_JOIN)
        try:
            message = await self._receive()
        finally:
            timer.cancel()
        await self._enter(message)

    async def _enter(self, message: ClientMessage | Exception) -> None:
        """Into a session, or from one into another; who is not let in goes."""
        began = time.monotonic()
        try:
            self._member = await self._admit(message)
        except Exception as error:  # noqa: BLE001 (every error is told to the peer, and ours is logged)
            code, close_code = self._tell(error)
            self._metrics.joins.labels(code).inc()
            self._outbox.finish(close_code or (CLOSE_FULL if code == "busy" else CLOSE_PROTOCOL))
        else:
            self._metrics.joins.labels("ok").inc()
            self._metrics.join_times.served(_path(message), time.monotonic() - began)
            if isinstance(message, Join) and self._member.receive_link is not None:
                self._time_media(self._member.receive_link, _path(message), began)

    def _time_media(self, link: ReceiveLink, path: str, began: float) -> None:
        since = min(began, link.made_at)
        link.when_media_begin(lambda at: self._metrics.join_times.media_began(path, at - since))

    async def _admit(self, message: ClientMessage | Exception) -> Member:
        if isinstance(message, Exception):
            raise message
        if isinstance(message, Switch) and self._member is not None:
            if delay_s := self._bucket.take(time.monotonic()):
                raise Busy("too many switches", retry_after_ms=int(delay_s * 1000) + 1)
            return await self._joining.switch(self._member, message)
        if isinstance(message, Join):
            await self._doorway.enter(lambda place: self._outbox.put(encode(Waiting(place=place))))
            if self._outbox.over:
                raise Busy("nobody waits here any more")
        if not isinstance(message, Join):
            raise Unexpected("the first message is `join`")
        return await self._joining.join(message, self._outbox)

    async def _answer(self, message: ClientMessage | Exception) -> None:
        delay_s = self._bucket.take(time.monotonic())
        kind = "malformed" if isinstance(message, Exception) else str(message.__struct_config__.tag)
        result = "ok"
        try:
            reply = await self._carry_out(message, delay_s)
        except Exception as error:  # noqa: BLE001 (every error is told to the peer, and ours is logged)
            result, close_code = self._tell(error, getattr(message, "cmd", None))
            if close_code is not None:
                self._outbox.finish(close_code)
        else:
            if reply is not None:
                self._outbox.put(encode(reply))
        self._metrics.command(kind, result)
        if delay_s:
            # What a flood left behind when its socket ended is gone through at once, though not in one step.
            await asyncio.sleep(0 if self._outbox.over else PENALTY_S)

    async def _carry_out(self, message: ClientMessage | Exception, delay_s: float) -> ServerMessage | None:
        if isinstance(message, Exception):
            raise message
        if delay_s:
            raise RateLimited("too many messages", retry_after_ms=int(delay_s * 1000) + 1)
        assert self._member is not None  # or `_join` had finished the socket
        return await self._requests.carry_out(self._member, message)

    def _tell(self, error: Exception, cmd: str | None = None) -> tuple[str, int | None]:
        """Send the error message; returns its code, and the close code if the socket must end."""
        wire, close_code = to_message(in_wire_terms(error), cmd)
        if wire.code == "internal":
            logger.error("a request failed", exc_info=error)
        self._outbox.put(encode(wire))
        return wire.code, close_code


def _path(message: ClientMessage | Exception) -> str:
    """By which way somebody came in."""
    if isinstance(message, Switch):
        return "switch"
    return "ticket" if isinstance(message, Join) and message.ticket is not None else "ordinary"
