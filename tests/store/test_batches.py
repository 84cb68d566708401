"""When calls that are sent together go on to what they ask next."""

import asyncio
from typing import Any, cast

from redis.asyncio import Redis

from store.batches import Batches


class Answers:
    """A client whose pipelines are all answered at one moment, as when both answers wait in their sockets: no server can be made to."""

    def __init__(self) -> None:
        self.sent = asyncio.Semaphore(0)
        self.answered = asyncio.Event()

    def pipeline(self, *, transaction: bool) -> "Answers":
        assert not transaction
        return self

    def evalsha(self, *_: Any) -> None:
        pass

    async def execute(self, *, raise_on_error: bool) -> list[str]:
        assert not raise_on_error
        self.sent.release()
        await self.answered.wait()
        return ["done"]


async def test_who_asks_again_once_both_pipelines_have_ended_is_answered() -> None:
    client = Answers()
    batches = Batches(cast(Redis, client))

    async def ask(times: int) -> None:
        for _ in range(times):
            await batches.run("return 1", "sha", [], [])

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(ask(2))
        await client.sent.acquire()
        group.create_task(ask(1))
        await client.sent.acquire()
        client.answered.set()
