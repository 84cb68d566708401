"""Everything on a Redis Cluster: it refuses whatever crosses slots or touches keys that a script did not name."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from redis.asyncio import Redis, RedisCluster

from qa_queue.commands import Ack
from qa_queue.model import Person
from qa_queue.queue import LiveQueue
from qa_queue.state import State
from store.connection import Store, open_store
from store.sessions import SessionRecord, Sessions

from .conftest import BareValkey, answers

ANN = Person("ann", "Ann")


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
        assert await queue.ask(session, ANN, "c1", "?") == Ack(1, "q1")
        assert await queue.ask(session, ANN, "c1", "?") == Ack(1, "q1")
        assert await queue.vote(session, ANN, "c2", "q1") == Ack(2, "q1")
        assert await queue.answering(session, ANN, "c3", "q1") == Ack(3, "q1")
        assert await queue.answered(session, ANN, "c4", "q1") == Ack(4, "q1")
        state, voted = await queue.snapshot_for(session, "ann")
        assert voted == await queue.voted(session, "ann") == {"q1"}
        replayed = State()
        async with aclosing(queue.follow(session, 0)) as batches:
            for event in await anext(batches):
                replayed = replayed.apply(event)
        assert replayed == state
    assert [record.id for record in await sessions.list()] == [f"trial-{n}" for n in reversed(range(20))]
