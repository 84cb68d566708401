"""The bounded queue between a session and one socket."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

MAX_QUEUED_CHARS = 1024 * 1024
"""A socket further behind than this is dropped: a snapshot is cheaper than what it missed."""


class Outbox:
    """Messages wait here for one socket; putting never waits, so that a slow socket slows nobody else.

    Args:
        max_chars: characters that may wait; one message more and the outbox overflows. The first message always fits.
    """

    def __init__(self, *, max_chars: int = MAX_QUEUED_CHARS) -> None:
        self._max_chars = max_chars
        self._queue: deque[str] = deque()
        self._chars = 0
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._close_code: int | None = None
        self.overflow: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when a message did not fit; nothing is taken any more."""
        self.over = False
        """Whether `run` has ended, at its own end or the socket's."""

    def put(self, text: str) -> None:
        """Queue one message; dropped after `finish`, after an overflow, and when `run` has ended."""
        if self._close_code is not None or self.over or self.overflow.done():
            return
        if self._queue and self._chars + len(text) > self._max_chars:
            self.overflow.set_result(None)
            self._queue.clear()
            self._drained.set()
            return
        self._queue.append(text)
        self._chars += len(text)
        self._wake.set()
        self._drained.clear()

    def finish(self, close_code: int) -> None:
        """Send what is queued, then end with this close code; the first code counts."""
        if self._close_code is None:
            self._close_code = close_code
            self._wake.set()

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

    async def run(self, send: Callable[[str], Awaitable[None]]) -> int:
        """Hand each message to `send`, one after the other, until `finish`; returns its close code."""
        try:
            while True:
                while self._queue:
                    text = self._queue.popleft()
                    self._chars -= len(text)
                    await send(text)
                self._drained.set()
                if self._close_code is not None:
                    return self._close_code
                self._wake.clear()
                await self._wake.wait()
        finally:
            # Nothing is sent any more, so nobody may wait for it.
            self.over = True
            self._drained.set()
