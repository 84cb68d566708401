"""Random commands against a real Valkey and a small model: the same results, the same events, the same state."""

import asyncio
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from qa_queue.commands import Ack
from qa_queue.errors import QueueError
from qa_queue.events import Answered, Answering, Asked, Event, Voted
from qa_queue.model import Person
from qa_queue.queue import LiveQueue
from qa_queue.state import State
from store.connection import Store, open_store

PEOPLE = [Person("ann", "Ann"), Person("ben", "Ben"), Person("host", "Host")]
TEXTS = ["why?", "how?", "多少钱?"]

people = st.sampled_from(PEOPLE)
voters = st.sampled_from(PEOPLE[:2])
cmds = st.sampled_from([f"c{n}" for n in range(40)])  # few enough for repetitions
MOST_QUESTIONS = 3  # few enough for commands to meet

Outcome = Ack | str


class Model:
    """The queue by the words of the protocol, in the plainest way."""

    def __init__(self) -> None:
        self.results: dict[tuple[str, str], Outcome] = {}
        self.events: list[tuple[object, ...]] = []
        self.asked: dict[str, tuple[str, str]] = {}
        self.votes: set[tuple[str, str]] = set()
        self.answered: set[str] = set()
        self.pointer: str | None = None

    def run(self, person: Person, cmd: str, kind: str, subject: str | None) -> Outcome:
        key = (person.id, cmd)
        if key not in self.results:
            self.results[key] = getattr(self, kind)(person.id, subject)
        return self.results[key]

    def ask(self, by: str, text: str) -> Outcome:
        question = f"q{len(self.events) + 1}"
        self.asked[question] = (by, text)
        return self._event(question, Asked, by, question, text)

    def vote(self, by: str, question: str) -> Outcome:
        return self._vote(by, question, True)

    def unvote(self, by: str, question: str) -> Outcome:
        return self._vote(by, question, False)

    def _vote(self, by: str, question: str, voted: bool) -> Outcome:
        if refusal := self._refusal(question):
            return refusal
        if ((by, question) in self.votes) == voted:
            return Ack(len(self.events), question)
        self.votes ^= {(by, question)}
        return self._event(question, Voted, by, question, self.count(question), voted)

    def answering(self, by: str, question: str | None) -> Outcome:
        if question is not None and (refusal := self._refusal(question)):
            return refusal
        if question == self.pointer:
            return Ack(len(self.events), question)
        self.pointer = question
        return self._event(question, Answering, by, question)

    def mark_answered(self, by: str, question: str) -> Outcome:
        if question not in self.asked:
            return "not_found"
        if question in self.answered:
            return Ack(len(self.events), question)
        self.answered.add(question)
        if self.pointer == question:
            self.pointer = None
        return self._event(question, Answered, by, question)

    def count(self, question: str) -> int:
        return sum(voted == question for _, voted in self.votes)

    def state_of(self, question: str) -> str:
        return "answered" if question in self.answered else "answering" if question == self.pointer else "queued"

    def _refusal(self, question: str) -> str | None:
        if question not in self.asked:
            return "not_found"
        return "closed" if question in self.answered else None

    def _event(self, question: str | None, *event: object) -> Ack:
        self.events.append(event)
        return Ack(len(self.events), question)


def spelled(event: Event) -> tuple[object, ...]:
    """An event as the model writes it."""
    match event:
        case Asked():
            return Asked, event.by, event.question.id, event.question.text
        case Voted():
            return Voted, event.by, event.question, event.votes, event.voted
        case _:
            return type(event), event.by, event.question


class QueueMachine(RuleBasedStateMachine):
    store: Store
    runner: asyncio.Runner

    asked = Bundle("asked")
    questions = st.one_of(asked, asked, asked, st.just("q999"))  # mostly one that is there

    @initialize()
    def begin(self) -> None:
        self.model, self.queue = Model(), LiveQueue(self.store)
        self.session = f"model-{uuid.uuid4().hex[:12]}"

    @precondition(lambda self: len(self.model.asked) < MOST_QUESTIONS)
    @rule(target=asked, person=people, cmd=cmds, text=st.sampled_from(TEXTS))
    def ask(self, person: Person, cmd: str, text: str) -> str:
        self.run(person, cmd, "ask", text)
        return next(reversed(self.model.asked), "q999")

    @rule(person=voters, cmd=cmds, question=questions)
    def vote(self, person: Person, cmd: str, question: str) -> None:
        self.run(person, cmd, "vote", question)

    @rule(person=voters, cmd=cmds, question=questions)
    def unvote(self, person: Person, cmd: str, question: str) -> None:
        self.run(person, cmd, "unvote", question)

    @rule(person=people, cmd=cmds, question=questions | st.none())
    def answering(self, person: Person, cmd: str, question: str | None) -> None:
        self.run(person, cmd, "answering", question)

    @rule(person=people, cmd=cmds, question=questions)
    def answered(self, person: Person, cmd: str, question: str) -> None:
        self.run(person, cmd, "answered", question)

    def run(self, person: Person, cmd: str, kind: str, subject: str | None) -> None:
        async def carry_out() -> Outcome:
            try:
                return await getattr(self.queue, kind)(self.session, person, cmd, subject)
            except QueueError as error:
                return error.code

        expected = self.model.run(person, cmd, "mark_answered" if kind == "answered" else kind, subject)
        assert self.runner.run(carry_out()) == expected

    @rule()
    def compare(self) -> None:
        self.runner.run(self.compare_everything())

    def teardown(self) -> None:
        self.compare()

    async def compare_everything(self) -> None:
        events = await self.queue.events(self.session, 0, 1000)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert [spelled(event) for event in events] == self.model.events
        reduced = State()
        for event in events:
            reduced = reduced.apply(event)
        assert list(reduced.questions) == list(self.model.asked)
        for person in PEOPLE:
            state, voted = await self.queue.snapshot_for(self.session, person.id)
            assert state == reduced
            assert voted == {question for by, question in self.model.votes if by == person.id}
        assert reduced.answering == self.model.pointer
        for question in reduced.questions.values():
            assert (question.author.id, question.text) == self.model.asked[question.id]
            assert (question.votes, question.state) == (self.model.count(question.id), self.model.state_of(question.id))


def test_the_queue_is_what_the_protocol_says(valkey_url: str, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        QueueMachine.runner = runner
        QueueMachine.store = runner.run(open_store(valkey_url, tmp_path))
        run_state_machine_as_test(
            QueueMachine,
            settings=settings(
                max_examples=80, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
            ),
        )
        runner.run(QueueMachine.store.close())


def test_an_event_out_of_order_is_refused() -> None:
    event = Answering(2, 0, "host", None)
    with pytest.raises(ValueError, match="event 2 cannot follow event 0"):
        State().apply(event)
