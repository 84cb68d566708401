"""Every command against a real Valkey: what it does, what it refuses, and that repeating it changes nothing."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from qa_queue.commands import Ack
from qa_queue.errors import QuestionClosed, QuestionNotFound, QueueError, TextEmpty, TextTooLong
from qa_queue.events import Answered, Answering, Asked, Event, Voted
from qa_queue.model import Person, Question
from qa_queue.queue import RESULT_LIFETIME_MS, LiveQueue
from qa_queue.state import State
from store import keys
from store.connection import Store
from store.errors import StoreDefect, StoreUnavailable

HOST, ANN, BEN = Person("host", "Host"), Person("ann", "Ann"), Person("ben", "小本")


@pytest.fixture
def queue(store: Store) -> LiveQueue:
    return LiveQueue(store)


async def events(queue: LiveQueue, session: str) -> list[Event]:
    return await queue.events(session, 0, 1000)


async def test_ask(queue: LiveQueue, session: str) -> None:
    assert await queue.snapshot(session) == State()
    assert await queue.ask(session, BEN, "c1", "  Wie schnell? 多快 \"'\\ ") == Ack(1, "q1")
    (asked,) = await events(queue, session)
    assert isinstance(asked, Asked)
    assert asked.question == Question("q1", "Wie schnell? 多快 \"'\\", BEN, 0, "queued", asked.at)
    assert (asked.seq, asked.by) == (1, "ben")
    assert await queue.snapshot(session) == State(1, {"q1": asked.question}, None)


@pytest.mark.parametrize(("text", "error"), [(" \n\u200b", TextEmpty), ("x" * 501, TextTooLong)])
async def test_a_text_that_is_refused_leaves_nothing(queue: LiveQueue, session: str, text: str, error: type) -> None:
    with pytest.raises(error):
        await queue.ask(session, ANN, "c1", text)
    assert await queue.snapshot(session) == State()


async def test_vote_and_unvote_count_a_person_once(queue: LiveQueue, session: str) -> None:
    await queue.ask(session, ANN, "c1", "?")
    assert await queue.vote(session, ANN, "c2", "q1") == Ack(2, "q1")
    assert await queue.vote(session, BEN, "c1", "q1") == Ack(3, "q1")
    assert await queue.vote(session, BEN, "c2", "q1") == Ack(3, "q1")
    assert await queue.voted(session, "ben") == {"q1"}
    assert await queue.unvote(session, BEN, "c3", "q1") == Ack(4, "q1")
    assert await queue.unvote(session, BEN, "c4", "q1") == Ack(4, "q1")
    assert [event for event in await events(queue, session) if isinstance(event, Voted)] == [
        Voted(2, event_at(await events(queue, session), 2), "ann", "q1", 1, True),
        Voted(3, event_at(await events(queue, session), 3), "ben", "q1", 2, True),
        Voted(4, event_at(await events(queue, session), 4), "ben", "q1", 1, False),
    ]
    state, voted = await queue.snapshot_for(session, "ann")
    assert (state.questions["q1"].votes, voted) == (1, {"q1"})
    assert await queue.voted(session, "ben") == frozenset()


def event_at(log: list[Event], seq: int) -> int:
    return log[seq - 1].at


async def test_the_pointer_puts_the_former_question_back(queue: LiveQueue, session: str) -> None:
    for n in (1, 2):
        await queue.ask(session, ANN, f"c{n}", "?")
    assert await queue.answering(session, HOST, "h1", "q1") == Ack(3, "q1")
    assert await queue.answering(session, HOST, "h2", "q2") == Ack(4, "q2")
    assert await queue.answering(session, HOST, "h3", "q2") == Ack(4, "q2")
    state = await queue.snapshot(session)
    assert (state.answering, [question.state for question in state.questions.values()]) == (
        "q2",
        ["queued", "answering"],
    )
    assert await queue.answering(session, HOST, "h4", None) == Ack(5, None)
    assert await queue.answering(session, HOST, "h5", None) == Ack(5, None)
    state = await queue.snapshot(session)
    assert (state.answering, state.questions["q2"].state) == (None, "queued")
    kinds = [(type(event), getattr(event, "question", None)) for event in (await events(queue, session))[2:]]
    assert kinds == [(Answering, "q1"), (Answering, "q2"), (Answering, None)]


async def test_answered_closes_and_clears_the_pointer(queue: LiveQueue, session: str) -> None:
    for n in (1, 2):
        await queue.ask(session, ANN, f"c{n}", "?")
    await queue.vote(session, BEN, "c1", "q1")
    await queue.answering(session, HOST, "h1", "q1")
    assert await queue.answered(session, HOST, "h2", "q2") == Ack(5, "q2")
    assert (await queue.snapshot(session)).answering == "q1"
    assert await queue.answered(session, HOST, "h3", "q1") == Ack(6, "q1")
    assert await queue.answered(session, HOST, "h4", "q1") == Ack(6, "q1")
    state = await queue.snapshot(session)
    assert state.answering is None
    assert (state.questions["q1"].state, state.questions["q1"].votes) == ("answered", 1)
    assert isinstance((await events(queue, session))[-1], Answered)
    for n, command in enumerate((queue.vote, queue.unvote, queue.answering)):
        with pytest.raises(QuestionClosed) as caught:
            await command(session, BEN, f"closed{n}", "q1")
        assert caught.value.code == "closed"


async def test_unknown_questions_are_not_found(queue: LiveQueue, session: str) -> None:
    for n, command in enumerate((queue.vote, queue.unvote, queue.answering, queue.answered)):
        for unknown in ("q1", "", "\ud800", "}:{"):
            with pytest.raises(QuestionNotFound) as caught:
                await command(session, ANN, f"c{n}-{ord(unknown[0]) if unknown else 0}", unknown)
            assert caught.value.code == "not_found"
    assert await queue.snapshot(session) == State()


Command = Callable[[LiveQueue, str], Awaitable[Ack]]

COMMANDS: list[Command] = [
    lambda queue, session: queue.ask(session, BEN, "same", "again?"),
    lambda queue, session: queue.vote(session, BEN, "same", "q1"),
    lambda queue, session: queue.unvote(session, ANN, "same", "q1"),
    lambda queue, session: queue.answering(session, HOST, "same", "q1"),
    lambda queue, session: queue.answering(session, HOST, "same", None),
    lambda queue, session: queue.answered(session, HOST, "same", "q1"),
]


@pytest.mark.parametrize("command", COMMANDS)
async def test_fifty_at_once_count_as_one(queue: LiveQueue, session: str, command: Command) -> None:
    await queue.ask(session, ANN, "c1", "?")
    await queue.vote(session, ANN, "c2", "q1")
    await queue.answering(session, HOST, "c3", "q1" if command is COMMANDS[4] else None)
    before = await queue.snapshot(session)
    acks = await asyncio.gather(*(command(queue, session) for _ in range(50)))
    assert set(acks) == {Ack(before.seq + 1, acks[0].question)}
    assert (await queue.snapshot(session)).seq == before.seq + 1


async def test_a_repeated_command_returns_its_first_result_whatever_came_between(
    queue: LiveQueue, session: str
) -> None:
    await queue.ask(session, ANN, "c1", "?")
    vote = await queue.vote(session, ANN, "c2", "q1")
    await queue.unvote(session, ANN, "c3", "q1")
    await queue.answered(session, HOST, "h1", "q1")
    assert await queue.vote(session, ANN, "c2", "q1") == vote
    assert await queue.ask(session, ANN, "c1", "another") == Ack(1, "q1")
    assert (await queue.snapshot(session)).questions["q1"].votes == 0


async def test_a_refusal_is_a_first_result_too(queue: LiveQueue, session: str) -> None:
    with pytest.raises(QueueError):
        await queue.vote(session, ANN, "c1", "q1")
    await queue.ask(session, ANN, "c2", "?")
    with pytest.raises(QuestionNotFound):
        await queue.vote(session, ANN, "c1", "q1")
    assert (await queue.snapshot(session)).questions["q1"].votes == 0


async def test_the_same_id_of_another_person_is_another_command(queue: LiveQueue, session: str) -> None:
    await queue.ask(session, ANN, "c1", "?")
    assert (await queue.ask(session, BEN, "c1", "?")).question == "q2"


async def test_one_vote_each_of_many_at_once(queue: LiveQueue, session: str) -> None:
    await queue.ask(session, ANN, "c1", "?")
    people = [Person(f"p{n}", "P") for n in range(50)]
    await asyncio.gather(*(queue.vote(session, person, f"v{n}", "q1") for person in people for n in range(3)))
    assert (await queue.snapshot(session)).questions["q1"].votes == 50
    log = await events(queue, session)
    assert [event.seq for event in log] == list(range(1, 52))
    assert [event.votes for event in log if isinstance(event, Voted)] == list(range(1, 51))


async def test_results_are_kept_for_a_bounded_time(queue: LiveQueue, store: Store, session: str) -> None:
    await queue.ask(session, ANN, "c1", "?")
    assert 0 < await store.redis.pttl(keys.result(session, "ann", "c1")) <= RESULT_LIFETIME_MS


async def test_sessions_keep_apart(queue: LiveQueue, session: str) -> None:
    await queue.ask(session, ANN, "c1", "?")
    assert await queue.snapshot(f"{session}-b") == State()
    assert await queue.ask(f"{session}-b", ANN, "c1", "?") == Ack(1, "q1")


async def test_a_strange_log_entry_is_a_defect(queue: LiveQueue, store: Store, session: str) -> None:
    await store.redis.xadd(keys.log(session), {"kind": "sung", "at": "1", "by": "ann"}, id="1-0")
    with pytest.raises(StoreDefect, match="unknown kind sung"):
        await events(queue, session)


async def test_a_command_that_the_server_refuses_changes_nothing(own_store: Store, session: str) -> None:
    queue = LiveQueue(own_store)
    await queue.ask(session, ANN, "c1", "?")
    before = await queue.snapshot_for(session, "ann")
    await own_store.redis.config_set("maxmemory", 1)
    for command in (queue.vote(session, ANN, "c2", "q1"), queue.answering(session, HOST, "h1", "q1")):
        with pytest.raises(StoreUnavailable):
            await command
    assert await queue.snapshot_for(session, "ann") == before
    await own_store.redis.config_set("maxmemory", 0)
    assert await queue.vote(session, ANN, "c2", "q1") == Ack(2, "q1")
