"""Scripts of many callers in few round trips: whatever comes while one is under way goes with the next.

The server runs what it reads at once and then syncs its append-only file once for all of it (group commit), and a pipeline
costs this process a fraction of as many single calls.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

MAX_CALLS = 128
"""Calls of one pipeline: some 10 ms of the server's time."""

MAX_PIPELINES = 2
"""At once: while the server works on one, the next is on its way."""


@dataclass(frozen=True)
class _Call:
    source: str
    sha: str
    keys_and_args: Sequence[str | int]
    keys: int
    done: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Batches:
    """Runs scripts on one server (not a cluster, whose pipelines are many).

    Args:
        redis: the client, with its retries; a script may run again after a connection was lost.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis
        self._waiting: list[_Call] = []
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, source: str, sha: str, keys: Sequence[str], args: Sequence[str | int]) -> Any:
        """Run a script; raises what redis-py raises for it."""
        call = _Call(source, sha, (*keys, *args), len(keys))
        self._waiting.append(call)
        if len(self._running) < MAX_PIPELINES:
            task = asyncio.create_task(self._work())
            self._running.add(task)
        return await call.done

    async def close(self) -> None:
        """Run nothing more; who waits is cancelled."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for call in self._waiting:
            call.done.cancel()

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._run_next()
        finally:
            # Before those go on whose results are set: what they ask for next would wait for who has ended.
            if task := asyncio.current_task():
                self._running.discard(task)

    async def _run_next(self) -> None:
        calls, self._waiting = self._waiting[:MAX_CALLS], self._waiting[MAX_CALLS:]
        try:
            await self._run(calls)
        except BaseException as error:
            for call in calls:
                if not call.done.done():
                    _fail(call, error)
            if not isinstance(error, Exception):
                raise

    async def _run(self, calls: list[_Call]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for call in calls:
            pipeline.evalsha(call.sha, call.keys, *map(_octets, call.keys_and_args))
        for call, result in zip(calls, await pipeline.execute(raise_on_error=False), strict=True):
            if isinstance(result, NoScriptError):  # a new server, or one that was restarted: EVAL runs it and keeps it
                result = await self._eval(call)
            if call.done.done():  # its caller gave up
                continue
            if isinstance(result, Exception):
                call.done.set_exception(result)
            else:
                call.done.set_result(result)

    async def _eval(self, call: _Call) -> Any:
        try:
            return await self._redis.eval(call.source, call.keys, *call.keys_and_args)
        except Exception as error:  # noqa: BLE001 (it is the caller's)
            return error


def _octets(value: str | int) -> bytes:
    """As the client would encode it (`encoding_errors` of `connection`), which asks of each value, in four calls, what it is."""
    return (value if type(value) is str else str(value)).encode("utf-8", "replace")


def _fail(call: _Call, error: BaseException) -> None:
    if isinstance(error, Exception):
        call.done.set_exception(error)
    else:
        call.done.cancel()
