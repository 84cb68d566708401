"""Random commands against a real Valkey and a plain model: the same results, the same events, the same state."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from qa_queue.commands import COMMANDS
from qa_queue.errors import QueueError
from qa_queue.events import Event
from qa_queue.model import Actor
from qa_queue.questions.model import Now
from qa_queue.queue import LiveQueue
from qa_queue.state import State
from store.connection import Store, open_store
from tests.qa_queue.plain_model import Model, Outcome

PEOPLE = {
    actor.id: actor
    for actor in (
        Actor("ann", "Ann"),
        Actor("ben", "Ben"),
        Actor("mod", "Mo", "moderator"),
        Actor("host", "Ho", "host"),
    )
}
LIMITED = frozenset({"say", "ask"})

texts = st.sampled_from(["why?", "how?", "多少钱?", "bad idea", "傻瓜"])
people = st.sampled_from(list(PEOPLE))
anybody = st.none() | people
options = st.sampled_from([["a", "b", "c"], ["a", "b"], []])
correct = st.none() | st.integers(0, 3)
ballots = st.lists(st.sampled_from(["0", "1", "2", "5", "word", "傻瓜"]), min_size=1, max_size=3)


def fixed(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({n: v if isinstance(v, st.SearchStrategy) else st.just(v) for n, v in fields.items()})


def some(kind: str) -> str:
    """Stands for the id of something of a kind, which is drawn when the command is made."""
    return f"<{kind}>"


Q, P, A, K, D = some("question"), some("poll"), some("announcement"), some("product"), some("draw")
kinds = st.sampled_from(["single", "multiple", "rating", "ranking", "words", "open", "quiz"])
whom = fixed(person=people) | fixed(of=Q)
hidden = st.sampled_from(["question", "reply", "chat", "announcement", "poll", "product", "trial"]).map(
    lambda kind: {"kind": kind, "id": some(kind)}
)

ARGS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "ask": fixed(text=texts, anonymous=st.booleans()),
    "edit": fixed(question=Q, text=texts),
    **{name: fixed(question=Q) for name in ("withdraw", "vote", "unvote", "approve", "unmerge", "answered")},
    "decline": fixed(question=Q, reason="no"),
    "set_labels": fixed(question=Q, labels=st.sampled_from([[], ["skin"]])),
    "set_place": fixed(question=Q, place=st.none() | st.just(1)),
    "write_reply": fixed(question=Q, text=texts),
    "merge": fixed(question=Q, into=Q),
    "answering": fixed(question=st.sampled_from([Q, None])),
    "next_up": fixed(question=st.sampled_from([Q, None])),
    "mark": fixed(question=Q, answer_in=st.sampled_from([5, 9]), answer_out=7),
    "configure": fixed(premoderation=st.booleans()) | fixed(asking=st.booleans()) | fixed(anonymous=st.booleans()),
    "mute": st.builds(lambda w, s: {**w, "for_s": s}, whom, st.sampled_from([None, 86_400])),
    **dict.fromkeys(("unmute", "ban", "unban"), whom),
    "set_role": fixed(person=people, role=st.sampled_from([None, "member", "moderator", "host"])),
    "block_add": fixed(text=st.sampled_from(["bad", "傻瓜"]), link=False),
    "block_remove": fixed(block=some("block")),
    **dict.fromkeys(("delete", "undelete"), hidden),
    "poll_make": fixed(
        kind=kinds, text="which?", options=options, correct=correct, max_choices=20, stars=5, results="live"
    ),
    **{name: fixed(poll=P) for name in ("poll_open", "poll_close")},
    "poll_vote": fixed(poll=P, ballot=ballots),
    "trial_add": fixed(text=st.none() | texts, poll=st.sampled_from([P, None])),
    "hand_raise": fixed(voice_only=st.booleans()),
    "hand_lower": fixed(person=anybody),
    "hand_invite": fixed(person=people | st.just("nobody")),
    "stage_enter": fixed(voice_only=st.booleans()),
    "stage_leave": fixed(person=anybody),
    "stage_mute": fixed(person=anybody, muted=st.booleans()),
    "say": fixed(text=texts),
    "announce": fixed(text=texts, pinned=st.booleans()),
    "announcement_pin": fixed(announcement=A, pinned=st.booleans()),
    "announcement_withdraw": fixed(announcement=A),
    "product_add": fixed(title="Serum"),
    "product_pin": fixed(product=st.sampled_from([K, None])),
    **{name: fixed(product=K) for name in ("product_click", "product_sample")},
    "draw_open": fixed(title="Win", prizes=st.integers(1, 3)),
    "draw_enter": fixed(draw=D, nonce="n"),
    **{name: fixed(draw=D) for name in ("draw_close", "draw_cancel")},
}
commands = st.sampled_from(sorted(ARGS)).flatmap(lambda name: st.tuples(st.just(name), ARGS[name]))


def test_every_command_is_drawn() -> None:
    assert set(ARGS) == {name for name, spec in COMMANDS.items() if spec.right != "system"}


class QueueMachine(RuleBasedStateMachine):
    store: Store
    runner: asyncio.Runner

    @initialize()
    def begin(self) -> None:
        self.model, self.queue = Model(PEOPLE), LiveQueue(self.store)
        self.session = f"model-{uuid.uuid4().hex[:12]}"
        self.runner.run(self.arrive())
        # Without limits by the clock, and with a stage that fills.
        self.model.rules |= {"ask_every_s": 5, "max_stage": 3}
        self.run("host", "limits", "configure", {"ask_every_s": 0, "max_stage": 1})
        poll = {"text": "which?", "correct": None, "max_choices": 20, "stars": 5, "results": "live"}
        for n, kind in enumerate(("multiple", "ranking", "words")):
            options = ["a", "b", "c"] if n < 2 else []
            self.run("host", f"poll{n}", "poll_make", {**poll, "kind": kind, "options": options})
            self.run("host", f"open{n}", "poll_open", {"poll": self.known(P, 0)})
        self.run("host", "draw", "draw_open", {"title": "Win", "prizes": 1})
        for n in range(2):
            self.run("host", f"product{n}", "product_add", {"title": "Serum"})
            self.run("ann", f"question{n}", "ask", {"text": "why?", "anonymous": n == 0})

    async def arrive(self) -> None:
        for actor in PEOPLE.values():
            await self.queue.arrive(self.session, actor)

    # Few ids, so that some are repeated.
    @rule(who=people, cmd=st.integers(0, 400), command=commands, pick=st.integers(0, 5))
    def command(self, who: str, cmd: int, command: tuple[str, dict[str, Any]], pick: int) -> None:
        name, args = command
        self.run(who, f"c{cmd}", name, {field: self.known(value, pick) for field, value in args.items()})

    # What most depends on the state of things, by those who may.
    @rule(who=people, cmd=st.integers(1000, 9999), pick=st.integers(0, 5), text=texts)
    def ask(self, who: str, cmd: int, pick: int, text: str) -> None:
        self.run(who, f"c{cmd}", "ask", {"text": text, "anonymous": pick == 0})

    @rule(cmd=st.integers(1000, 9999), command=commands, pick=st.integers(0, 5))
    def by_the_host(self, cmd: int, command: tuple[str, dict[str, Any]], pick: int) -> None:
        self.command_of("host", cmd, command, pick)

    def command_of(self, who: str, cmd: int, command: tuple[str, dict[str, Any]], pick: int) -> None:
        name, args = command
        self.run(who, f"c{cmd}", name, {field: self.known(value, pick) for field, value in args.items()})

    def known(self, value: Any, pick: int) -> Any:
        if not isinstance(value, str) or not value.startswith("<"):
            return value
        ids = list(self.model.things.get(value[1:-1], {}))
        return ids[-1 - pick % len(ids)] if ids and pick < 5 else f"{value[1]}999"

    def run(self, who: str, cmd: str, name: str, args: dict[str, Any]) -> None:
        async def carry_out() -> Outcome:
            try:
                return await self.queue.run(self.session, PEOPLE[who], cmd, name, **args)
            except QueueError as error:
                return error.code

        outcome = self.runner.run(carry_out())
        if outcome == "rate_limited" and name in LIMITED:
            return
        assert outcome == self.model.run(PEOPLE[who], cmd, name, args), (who, name, args)

    @rule()
    def compare(self) -> None:
        self.runner.run(self.compare_everything())

    def teardown(self) -> None:
        self.compare()

    async def compare_everything(self) -> None:
        events = await self.queue.events(self.session, 0, 10_000)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert [(event.kind, event.act, event.by) for event in events] == self.model.acts
        state = reduced(events)
        assert state == await self.queue.snapshot(self.session)
        self.compare_state(state)

    def compare_state(self, state: State) -> None:
        model = self.model
        for kind, things in model.things.items():
            entities = state.entities[kind]
            assert list(things) == list(entities) or kind in ("hand", "member")
            assert set(things) == set(entities)
            for id, thing in things.items():
                for field in ("state", "deleted", "text", "pinned", "removed", "banned", "role", "first", "labels"):
                    if field in thing and hasattr(entities[id], field):
                        assert getattr(entities[id], field) == thing[field], (kind, id, field)
        for question, voters in model.votes.items():
            assert state.votes(question) == len(voters)
            assert state.facts.get(f"v/{question}", {}) == voters
        for poll, ballots_of in model.ballots.items():
            assert state.facts[f"b/{poll}"] == ballots_of
            assert state.counts.get(f"tally/{poll}", {}) == model.tally(poll)
            assert state.counts["total"][poll] == len(ballots_of)
        for draw, entrants in model.entries.items():
            tickets = state.facts.get(f"d/{draw}", {})
            assert sorted(tickets, key=lambda person: tickets[person].ticket) == entrants
        now = state.get(Now, "now") or Now(id="now")
        assert (now.question, now.next) == (model.now["question"], model.now["next"])


def reduced(events: list[Event]) -> State:
    state = State()
    for event in events:
        state.apply(event)
    return state


def test_the_queue_is_what_the_protocol_says(valkey_url: str, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        QueueMachine.runner = runner
        QueueMachine.store = runner.run(open_store(valkey_url, tmp_path))
        run_state_machine_as_test(
            QueueMachine,
            settings=settings(
                max_examples=40, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
            ),
        )
        runner.run(QueueMachine.store.close())


def test_an_event_out_of_order_is_refused() -> None:
    event = Event(2, 0, "host", "Host", "host", "answering", "now", Now(id="now"))
    with pytest.raises(ValueError, match="event 2 cannot follow event 0"):
        State().apply(event)
