"""Taps of this node's people, gathered so that they cost the same however many tap."""

import asyncio
import logging
from collections import Counter

from qa_queue.errors import QueueError
from qa_queue.queue import LiveQueue
from store.errors import StoreError

logger = logging.getLogger(__name__)

GATHER_S = 0.1


class Reactions:
    """Adds taps to a session's counts, a few times a second.

    What could not be stored is given up: a tap is not acknowledged, and counting it late would be stranger than not at all.

    Args:
        queue: where they go.
    """

    def __init__(self, queue: LiveQueue) -> None:
        self._queue = queue
        self._waiting: dict[str, Counter[str]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    def add(self, session: str, reaction: str, count: int) -> None:
        """Count taps; returns at once."""
        waiting = self._waiting.get(session)
        if waiting is None:
            waiting = self._waiting[session] = Counter()
        waiting[reaction] += count
        if session not in self._running:
            self._running[session] = asyncio.create_task(self._store(session))

    async def close(self) -> None:
        """Store no more."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _store(self, session: str) -> None:
        """Until nothing waits, here or in the store."""
        wait_s = GATHER_S
        try:
            while wait_s or session in self._waiting:
                await asyncio.sleep(wait_s or GATHER_S)
                wait_s = await self._queue.react(session, self._waiting.pop(session, {})) / 1000
        except (StoreError, QueueError) as error:
            logger.warning("reactions of session %s were not counted: %s", session, error)
        finally:
            del self._running[session]
