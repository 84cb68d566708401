"""What random commands do not show: limits of time, many at once, repetition, and what the store refuses.

On one server, and on a cluster, which refuses what crosses slots or touches keys that a script did not name.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from qa_queue.errors import QueueError, TextEmpty, TextTooLong
from qa_queue.model import SYSTEM, Actor
from qa_queue.questions.model import Question
from qa_queue.queue import RESULT_LIFETIME_MS, Ack, LiveQueue
from qa_queue.state import State
from store import keys
from store.connection import Store, open_store
from store.errors import StoreDefect, StoreUnavailable

HOST, ANN, BEN = Actor("host", "Host", "host"), Actor("ann", "Ann"), Actor("ben", "小本", device="d" * 16)


@pytest.fixture(params=["server", "cluster"])
async def store(
    request: pytest.FixtureRequest, valkey_url: str, cluster_url: str, tmp_path: Path
) -> AsyncIterator[Store]:
    opened = await open_store(cluster_url if request.param == "cluster" else valkey_url, tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def queue(store: Store) -> LiveQueue:
    return LiveQueue(store)


async def refusal(command: Any) -> QueueError:
    with pytest.raises(QueueError) as caught:
        await command
    return caught.value


async def ready(queue: LiveQueue, session: str) -> None:
    """One of everything that commands are about: q1, p2 (open), d4, k5, a6, and a hand that was invited."""
    for actor in (HOST, ANN, BEN):
        await queue.arrive(session, actor)
    await queue.run(session, ANN, "r1", "ask", text="?")
    poll = {"kind": "single", "options": ["a", "b"], "max_choices": 1, "stars": 5, "results": "live"}
    await queue.run(session, HOST, "r2", "poll_make", text="which?", **poll)
    await queue.run(session, HOST, "r3", "poll_open", poll="p2")
    await queue.run(session, HOST, "r4", "draw_open", title="Win", prizes=1)
    await queue.run(session, HOST, "r5", "product_add", title="Serum")
    await queue.run(session, HOST, "r6", "announce", text="Hello")
    await queue.run(session, HOST, "r7", "hand_invite", person="ben")


SAME: list[tuple[Actor, str, dict[str, Any], int]] = [
    (BEN, "ask", {"text": "again?"}, 1),
    (BEN, "vote", {"question": "q1"}, 1),
    (ANN, "edit", {"question": "q1", "text": "other"}, 1),
    (ANN, "withdraw", {"question": "q1"}, 1),
    (HOST, "answering", {"question": "q1"}, 2),
    (HOST, "decline", {"question": "q1", "reason": "no"}, 1),
    (HOST, "write_reply", {"question": "q1", "text": "yes"}, 1),
    (HOST, "mute", {"person": "ann", "for_s": 10}, 1),
    (HOST, "ban", {"person": "ben"}, 2),
    (HOST, "block_add", {"text": "bad", "link": False}, 1),
    (HOST, "delete", {"kind": "question", "id": "q1"}, 1),
    (BEN, "poll_vote", {"poll": "p2", "ballot": ["1"]}, 1),
    (HOST, "poll_close", {"poll": "p2"}, 1),
    (BEN, "draw_enter", {"draw": "d4", "nonce": "n"}, 1),
    (BEN, "product_click", {"product": "k5"}, 1),
    (BEN, "product_sample", {"product": "k5"}, 1),
    (BEN, "stage_enter", {}, 1),
    (ANN, "hand_raise", {}, 1),
    (BEN, "say", {"text": "hi"}, 1),
    (HOST, "announcement_withdraw", {"announcement": "a6"}, 1),
]


@pytest.mark.parametrize(("who", "name", "args", "events"), SAME, ids=[name for _, name, *_ in SAME])
async def test_fifty_at_once_count_as_one(
    queue: LiveQueue, session: str, who: Actor, name: str, args: dict[str, Any], events: int
) -> None:
    await ready(queue, session)
    before = (await queue.snapshot(session)).seq
    acks = await asyncio.gather(*(queue.run(session, who, "same", name, **args) for _ in range(50)))
    assert set(acks) == {Ack(before + events, acks[0].id)}
    assert (await queue.snapshot(session)).seq == before + events


async def test_one_vote_each_of_many_at_once(queue: LiveQueue, session: str) -> None:
    await queue.run(session, ANN, "c1", "ask", text="?")
    people = [Actor(f"p{n}", "P") for n in range(50)]
    await asyncio.gather(*(queue.run(session, who, f"v{n}", "vote", question="q1") for who in people for n in range(3)))
    state = await queue.snapshot(session)
    assert (state.votes("q1"), len(state.facts["v/q1"]), state.seq) == (50, 50, 51)


async def test_state_at_every_position_is_that_of_the_log(queue: LiveQueue, session: str) -> None:
    await ready(queue, session)
    states = [await queue.snapshot(session)]
    for n, (who, name, args, _) in enumerate(SAME):
        try:
            await queue.run(session, who, f"s{n}", name, **args)
        except QueueError:
            continue
        states.append(await queue.snapshot(session))
    state, events = State(), iter(await queue.events(session, 0, 1000))
    for expected in states:
        while state.seq < expected.seq:
            state.apply(next(events))
        assert state == expected


async def test_a_repeated_command_returns_its_first_result_whatever_came_between(
    queue: LiveQueue, session: str
) -> None:
    await queue.run(session, ANN, "c1", "ask", text="?")
    vote = await queue.run(session, ANN, "c2", "vote", question="q1")
    await queue.run(session, ANN, "c3", "unvote", question="q1")
    await queue.run(session, HOST, "h1", "answered", question="q1")
    assert await queue.run(session, ANN, "c2", "vote", question="q1") == vote
    assert (await queue.snapshot(session)).votes("q1") == 0
    assert (await refusal(queue.run(session, ANN, "c4", "vote", question="q9"))).code == "not_found"
    assert (await queue.run(session, BEN, "c2", "ask", text="?")).id == "q5", "another person's id"


async def test_asking_is_limited_and_the_same_command_may_come_again(queue: LiveQueue, session: str) -> None:
    for n in range(5):
        await queue.run(session, ANN, f"c{n}", "ask", text="?")
    error = await refusal(queue.run(session, ANN, "late", "ask", text="kept"))
    assert error.code == "rate_limited"
    assert error.retry_after_ms is not None
    assert 0 < error.retry_after_ms <= 5_000
    await queue.run(session, HOST, "h1", "configure", ask_every_s=0)
    assert (await queue.run(session, ANN, "late", "ask", text="kept")).id == "q7"


async def test_slow_mode_says_when(queue: LiveQueue, session: str) -> None:
    await queue.run(session, HOST, "h1", "configure", slow_mode_s=60)
    await queue.run(session, ANN, "c1", "say", text="one")
    error = await refusal(queue.run(session, ANN, "c2", "say", text="two"))
    assert error.code == "rate_limited"
    assert 50_000 < (error.retry_after_ms or 0) <= 60_000
    await queue.run(session, HOST, "h2", "say", text="staff speaks")


async def test_a_ban_holds_for_the_device_and_ends(queue: LiveQueue, session: str) -> None:
    await queue.arrive(session, BEN)
    await queue.run(session, HOST, "h1", "ban", person="ben")
    again = Actor("new", "New", device=BEN.device)
    assert (await refusal(queue.arrive(session, again))).code == "banned"
    assert (await refusal(queue.run(session, again, "c1", "ask", text="?"))).code == "banned"
    await queue.run(session, HOST, "h2", "unban", person="ben")
    assert await queue.arrive(session, again) == "member"
    assert (await queue.run(session, again, "c1", "ask", text="?")).id == "q3"


async def test_who_asked_anonymously_is_muted_under_the_question(queue: LiveQueue, session: str) -> None:
    await queue.run(session, ANN, "c1", "ask", text="?", anonymous=True)
    assert (await queue.run(session, HOST, "h1", "mute", of="q1", for_s=60)).id == "via:q1"
    error = await refusal(queue.run(session, ANN, "c2", "say", text="hi"))
    assert (error.code, 0 < (error.retry_after_ms or 0) <= 60_000) == ("muted", True)


async def test_an_answer_is_marked_on_the_media_clock_where_there_is_one(queue: LiveQueue, session: str) -> None:
    for n in range(2):
        await queue.run(session, ANN, f"c{n}", "ask", text="?")
    await queue.run(session, HOST, "h1", "answering", question="q1", media_at=1000)
    await queue.run(session, HOST, "h2", "answering", question="q2", media_at=5000)
    await queue.run(session, HOST, "h3", "answering", question="q1", media_at=7000)
    await queue.run(session, HOST, "h4", "answered", question="q1", media_at=9500)
    state = await queue.snapshot(session)
    one, two = state.get(Question, "q1"), state.get(Question, "q2")
    assert one is not None
    assert two is not None
    assert [(of.media_in, of.media_out) for of in (one, two)] == [(7000, 9500), (5000, 7000)]
    assert one.answer_in is not None
    assert one.answer_out is not None
    earlier = {"answer_in": one.answer_in - 300, "answer_out": one.answer_out - 100}
    await queue.run(session, HOST, "h5", "mark", question="q1", **earlier)
    await queue.run(session, HOST, "h6", "answered", question="q2")
    state = await queue.snapshot(session)
    marked = state.get(Question, "q1")
    assert marked is not None
    assert (marked.media_in, marked.media_out, marked.answer_in) == (6700, 9400, one.answer_in - 300)
    replayed = State()
    for event in await queue.events(session, 0, 100):
        replayed.apply(event)
    assert replayed == state


async def test_deadlines_are_the_store_s(queue: LiveQueue, session: str) -> None:
    await ready(queue, session)
    assert (await refusal(queue.run(session, SYSTEM, "d1", "poll_close", poll="p2"))).code == "wrong_state"
    later = await queue.run(session, HOST, "h1", "announce", text="Later", at=9_000_000_000_000)
    error = await refusal(queue.run(session, SYSTEM, "d2", "announcement_show", announcement=later.id))
    assert error.code == "wrong_state"
    assert (
        await refusal(queue.run(session, HOST, "h2", "announcement_show", announcement=later.id))
    ).code == "forbidden"


async def test_reactions_are_told_five_times_a_second_and_none_is_lost(queue: LiveQueue, session: str) -> None:
    waits = [await queue.react(session, {"heart": 2, "clap": 1}) for _ in range(20)]
    assert waits[0] == 0
    assert all(0 <= wait <= 200 for wait in waits)
    async with asyncio.timeout(20):
        while await queue.react(session, {}):
            continue  # each call says how long to wait; asking again at once is allowed, and changes nothing
    state, events = await queue.snapshot(session), await queue.events(session, 0, 100)
    assert state.counts["reactions"] == {"heart": 40, "clap": 20}
    assert all(later.at - earlier.at >= 200 for earlier, later in itertools.pairwise(events))


@pytest.mark.parametrize(("text", "error"), [(" \n\u200b", TextEmpty), ("x" * 501, TextTooLong)])
async def test_a_text_that_is_refused_leaves_nothing(queue: LiveQueue, session: str, text: str, error: type) -> None:
    with pytest.raises(error):
        await queue.run(session, ANN, "c1", "ask", text=text)
    assert await queue.snapshot(session) == State()


async def test_strange_ids_are_not_found(queue: LiveQueue, session: str) -> None:
    for n, unknown in enumerate(("q1", "", "}:{", "*", "v/q1:ann", "\u0000")):
        assert (await refusal(queue.run(session, HOST, f"c{n}", "answered", question=unknown))).code == "not_found"
    assert await queue.snapshot(session) == State()


async def test_results_are_kept_for_a_bounded_time(queue: LiveQueue, store: Store, session: str) -> None:
    await queue.run(session, ANN, "c1", "ask", text="?")
    assert 0 < await store.redis.pttl(keys.result(session, "ann", "c1")) <= RESULT_LIFETIME_MS


async def test_sessions_keep_apart(queue: LiveQueue, session: str) -> None:
    await queue.run(session, ANN, "c1", "ask", text="?")
    assert await queue.snapshot(f"{session}-b") == State()
    assert await queue.run(f"{session}-b", ANN, "c1", "ask", text="?") == Ack(1, "q1")


async def test_a_strange_log_entry_is_a_defect(queue: LiveQueue, store: Store, session: str) -> None:
    entry = {"kind": "sung", "act": "sing", "at": "1", "by": "ann", "name": "A", "role": "member", "data": "{}"}
    await store.redis.xadd(keys.log(session), entry, id="1-0")
    with pytest.raises(StoreDefect, match="sung"):
        await queue.events(session, 0, 10)


async def test_a_command_that_the_server_refuses_changes_nothing(own_store: Store, session: str) -> None:
    queue = LiveQueue(own_store)
    await ready(queue, session)
    before = await queue.snapshot(session)
    await own_store.redis.config_set("maxmemory", 1)
    for n, (who, name, args, _) in enumerate(SAME):
        with pytest.raises(StoreUnavailable):
            await queue.run(session, who, f"m{n}", name, **args)
    assert await queue.snapshot(session) == before
    await own_store.redis.config_set("maxmemory", 0)
    assert await queue.run(session, ANN, "m1", "vote", question="q1") == Ack(before.seq + 1, "q1")
