"""Everything on a Redis Cluster: it refuses whatever crosses slots or touches keys that a script did not name."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from redis.asyncio import RedisCluster

from qa_queue.model import Actor
from qa_queue.queue import Ack, LiveQueue
from qa_queue.state import State
from store import keys
from store.connection import Store, open_store
from store.sessions import SessionRecord, Sessions

ANN = Actor("ann", "Ann", "host")


@pytest.fixture
async def cluster(cluster_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """A store on a cluster of three nodes."""
    store = await open_store(cluster_url, tmp_path)
    yield store
    await store.close()


async def test_the_queue_and_the_sessions_work_on_a_cluster(cluster: Store) -> None:
    assert isinstance(cluster.redis, RedisCluster)
    assert cluster.durability.warnings == ()
    assert len(cluster.redis.get_primaries()) == 3
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
    of_node = {cluster.redis.get_node_from_key(keys.log(f"trial-{n}")).name for n in range(20)}
    assert len(of_node) == 3, "each node has sessions"
