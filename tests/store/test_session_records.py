"""Session records: made once, found again."""

import asyncio

import msgspec
import pytest

from store import keys
from store.connection import Store
from store.errors import SessionExists, StoreDefect
from store.sessions import SessionRecord, Sessions


def record(sid: str, created_at: int = 1_795_000_000_000, title: str = "Trial · 试用") -> SessionRecord:
    return SessionRecord(sid, title, open=True, created_at=created_at)


async def test_created_sessions_are_found(store: Store, session: str) -> None:
    sessions = Sessions(store)
    assert await sessions.get(session) is None
    await sessions.create(record(session))
    assert await sessions.get(session) == record(session)


async def test_an_id_is_taken_once(store: Store, session: str) -> None:
    sessions = Sessions(store)
    await sessions.create(record(session))
    await sessions.create(record(session))  # as after a lost answer
    with pytest.raises(SessionExists, match=session):
        await sessions.create(record(session, title="another"))
    assert await sessions.get(session) == record(session)


async def test_of_many_at_once_one_wins(store: Store, session: str) -> None:
    attempts = (Sessions(store).create(record(session, title=str(n))) for n in range(20))
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, SessionExists) for outcome in outcomes) == 19


async def test_the_list_is_newest_first_and_passes_over_an_id_without_record(store: Store, session: str) -> None:
    sessions = Sessions(store)
    older, newer = record(f"{session}-a", 1_000), record(f"{session}-b", 2_000)
    await sessions.create(older)
    await sessions.create(newer)
    await store.redis.zadd(keys.SESSIONS, {f"{session}-c": 3_000})
    assert [found for found in await sessions.list() if found.id.startswith(session)] == [newer, older]


async def test_a_record_that_cannot_be_read_is_a_defect(store: Store, session: str) -> None:
    await store.redis.set(keys.session(session), msgspec.json.encode({"id": session}))
    with pytest.raises(StoreDefect):
        await Sessions(store).get(session)
