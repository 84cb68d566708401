"""Everything on a Redis Cluster: it refuses whatever crosses slots or touches keys that a script did not name."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from redis.asyncio import Redis, RedisCluster

from qa_queue.model import Actor
from qa_queue.queue import Ack, LiveQueue
from qa_queue.state import State
from store.connection import Store, open_store
from store.sessions import SessionRecord, Sessions

from .conftest import BareValkey, answers

ANN = Actor("ann", "Ann", "host")


@pytest.fixture
async def cluster(bare_valkey: BareValkey, tmp_path: Path) -> AsyncIterator[Store]:
    """A store on a cluster of one node that serves all slots."""
    url = await bare_valkey("--cluster-enabled", "yes", "--appendonly", "yes", "--appendfsync", "always")
    admin = Redis.from_url(url)
    await admin.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
    await admin.aclose()
    await answers(int(url.rpartition(":")[2]), b"CLUSTER INFO", b"cluster_state:ok")
    store = await open_store(url, tmp_path)
    yield store
    await store.close()


async def test_the_queue_and_the_sessions_work_on_a_cluster(cluster: Store) -> None:
    assert isinstance(cluster.redis, RedisCluster)
    assert cluster.durability.warnings == ()
    queue, sessions = LiveQueue(cluster), Sessions(cluster)
    for n in range(20):  # ids that fall into different slots
        session = f"trial-{n}"
        await sessions.create(SessionRecord(session, "Trial", open=True, created_at=n))
        assert await queue.run(session, ANN, "c1", "ask", text="?") == Ack(1, "q1")
        assert await queue.run(session, ANN, "c1", "ask", text="?") == Ack(1, "q1")
        assert await queue.run(session, ANN, "c2", "vote", question="q1") == Ack(2, "q1")
        assert await queue.run(session, ANN, "c3", "answering", question="q1") == Ack(4, "q1")
        assert await queue.run(session, ANN, "c4", "answered", question="q1") == Ack(6, "q1")
        assert await queue.run(session, ANN, "c5", "draw_open", title="Win", prizes=1) == Ack(7, "d7")
        await queue.run(session, ANN, "c6", "draw_enter", draw="d7", nonce="n")
        await queue.run(session, ANN, "c7", "draw_close", draw="d7")
        assert await queue.finish_draw(session, "d7") == Ack(10, "d7")
        state = await queue.snapshot(session)
        assert state.facts["v/q1"] == {"ann": "1"}
        replayed = State()
        async with aclosing(queue.follow(session, 0)) as batches:
            for event in await anext(batches):
                replayed.apply(event)
        assert replayed == state
    assert [record.id for record in await sessions.list()] == [f"trial-{n}" for n in reversed(range(20))]
