"""The bounded queue between a session and one socket."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from server.frames import text_frame

MAX_QUEUED_OCTETS = 1024 * 1024
"""A socket further behind than this is dropped: a snapshot is cheaper than what it missed."""


class Outbox:
    """Messages wait here while their socket is not ready; putting never waits, so that a slow socket slows nobody else.

    Args:
        write_now: writes a frame where the socket takes it at once, else returns False. Without it all frames wait for `run`.
        frame_of: makes the frame of a message for this socket alone.
        on_wait: called when a frame is the first that waits: only from then on `run` is needed.
        on_end: called once, when `finish` is called or the outbox overflows.
        max_octets: octets that may wait; one message more and the outbox overflows. The first message always fits.
    """

    def __init__(
        self,
        write_now: Callable[[bytes], bool] = lambda frame: False,
        *,
        frame_of: Callable[[str], bytes] = text_frame,
        on_wait: Callable[[], None] = lambda: None,
        on_end: Callable[[], None] = lambda: None,
        max_octets: int = MAX_QUEUED_OCTETS,
    ) -> None:
        self._write_now, self._frame_of = write_now, frame_of
        self._on_wait, self._on_end = on_wait, on_end
        self._max_octets = max_octets
        self._queue: deque[bytes] = deque()
        self._octets = 0
        self._sending = False
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._close_code: int | None = None
        self.overflow: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when a message did not fit; nothing is taken any more."""
        self.over = False
        """Whether `run` has ended, at its own end or the socket's."""

    def put(self, text: str) -> None:
        """Send one message, or queue it; see `put_frame`."""
        self.put_frame(self._frame_of(text))

    def put_frame(self, frame: bytes) -> None:
        """The same for a message that is a frame already; dropped after `finish`, after an overflow, and when `run` has ended."""
        if self._close_code is not None or self.over or self.overflow.done():
            return
        # Nothing may overtake what waits, or what `run` has in its hands.
        if not self._queue and not self._sending and self._write_now(frame):
            return
        if self._queue and self._octets + len(frame) > self._max_octets:
            self.overflow.set_result(None)
            self._queue.clear()
            self._drained.set()
            self._ended()
            return
        if not self._queue:
            self._on_wait()
        self._queue.append(frame)
        self._octets += len(frame)
        self._wake.set()
        self._drained.clear()

    def finish(self, close_code: int) -> None:
        """Send what is queued, then end with this close code; the first code counts."""
        if self._close_code is None:
            self._close_code = close_code
            self._wake.set()
            self._ended()

    def close(self) -> None:
        """Send nothing any more, and let nobody wait for it; let go of who is told. Idempotent."""
        self.over = True
        self._drained.set()
        self._on_wait = self._on_end = _nobody

    @property
    def close_code(self) -> int | None:
        """The code of `finish`, or None before it."""
        return self._close_code

    @property
    def finishing(self) -> bool:
        """Whether `finish` was called."""
        return self._close_code is not None

    async def drained(self) -> None:
        """Wait until nothing is queued: who does not read answers is not read either."""
        await self._drained.wait()

    async def run(self, send: Callable[[bytes], Awaitable[None]]) -> int:
        """Hand each frame that waits to `send`, one after the other, until `finish`; returns its close code."""
        try:
            while True:
                self._sending = True
                while self._queue:
                    frame = self._queue.popleft()
                    self._octets -= len(frame)
                    await send(frame)
                self._sending = False
                self._drained.set()
                if self._close_code is not None:
                    return self._close_code
                self._wake.clear()
                await self._wake.wait()
        finally:
            # Nothing is sent any more, so nobody may wait for it.
            self.over = True
            self._drained.set()

    def _ended(self) -> None:
        told, self._on_end = self._on_end, _nobody
        told()


def _nobody() -> None: ...
