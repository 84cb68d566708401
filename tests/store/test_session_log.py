"""The session log: gapless, in order, and followed through everything that happens to the server."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from store import keys
from store.connection import Store, open_store
from store.errors import LogRewound, StoreDefect, StoreUnavailable
from store.log import Entry, SessionLog

from .conftest import kill_valkey


async def append(store: Store, session: str, *seqs: int) -> None:
    for seq in seqs:
        async with store.calls() as redis:
            await redis.xadd(keys.log(session), {"n": str(seq)}, id=f"{seq}-0")


def entries(*seqs: int) -> list[Entry]:
    return [Entry(seq, {"n": str(seq)}) for seq in seqs]


async def test_read_returns_what_follows(store: Store, session: str) -> None:
    log = SessionLog(store)
    assert await log.length(session) == 0
    assert await log.read(session, 0, 10) == []
    await append(store, session, 1, 2, 3)
    assert await log.length(session) == 3
    assert await log.read(session, 0, 10) == entries(1, 2, 3)
    assert await log.read(session, 1, 1) == entries(2)
    assert await log.read(session, 3, 10) == []


async def test_a_gap_is_a_defect(store: Store, session: str) -> None:
    await append(store, session, 1, 3)
    with pytest.raises(StoreDefect, match="entry 3 where 2 belongs"):
        await SessionLog(store).read(session, 0, 10)


async def test_follow_gives_the_past_then_the_present(store: Store, session: str) -> None:
    await append(store, session, 1, 2)
    async with aclosing(SessionLog(store).follow(session, 1)) as batches:
        assert await anext(batches) == entries(2)
        waiting = asyncio.ensure_future(anext(batches))
        await append(store, session, 3)
        assert await waiting == entries(3)


async def test_follow_can_be_cancelled_while_it_waits(store: Store, session: str) -> None:
    follower = asyncio.ensure_future(anext(SessionLog(store).follow(session, 0)))
    while not follower_waits(await store.redis.client_list()):
        assert not follower.done()
    follower.cancel()
    with pytest.raises(asyncio.CancelledError):
        await follower
    await append(store, session, 1)
    assert await SessionLog(store).read(session, 0, 1) == entries(1)


def follower_waits(clients: list[dict[str, str]]) -> bool:
    return any(client["cmd"] == "xread" and "b" in client["flags"] for client in clients)


async def test_follow_through_a_killed_server_without_gap_or_repeat(tmp_path: Path, session: str) -> None:
    store = await open_store(None, tmp_path)
    seen: list[int] = []

    async def follow() -> None:
        async with aclosing(SessionLog(store).follow(session, 0)) as batches:
            async for batch in batches:
                seen.extend(entry.seq for entry in batch)
                if seen[-1] == 60:
                    return

    follower = asyncio.create_task(follow())
    for start in (1, 21, 41):
        await append(store, session, *range(start, start + 20))
        await kill_valkey(store)
    await asyncio.wait_for(follower, 20)
    assert seen == list(range(1, 61))
    await store.close()


async def test_follow_notices_a_log_that_lost_entries(store: Store, session: str, monkeypatch) -> None:
    monkeypatch.setattr("store.log.FOLLOW_BLOCK_MS", 10)
    await append(store, session, 1, 2)
    with pytest.raises(LogRewound):
        await anext(SessionLog(store).follow(session, 3))
    async with aclosing(SessionLog(store).follow(session, 0)) as batches:
        assert await anext(batches) == entries(1, 2)
        await store.redis.delete(keys.log(session))
        with pytest.raises(LogRewound, match="had 2 entries and has 0"):
            await anext(batches)


async def test_follow_ends_when_the_store_is_closed(tmp_path: Path, session: str) -> None:
    store = await open_store(None, tmp_path)
    await append(store, session, 1)
    batches = SessionLog(store).follow(session, 0)
    await anext(batches)
    await store.close()
    with pytest.raises(StoreUnavailable):
        await anext(batches)
