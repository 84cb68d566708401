"""The state of a session: a pure function of its log.

The scripts keep the same state in Redis; tests hold the two together.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from qa_queue.chat.model import Announcement, ChatMessage
from qa_queue.draw.model import Draw, Ticket
from qa_queue.events import Clicked, Entered, Event, Merged, Reacted, Tallied, Voted, entity_of
from qa_queue.model import Entity
from qa_queue.moderation.model import Block, Member, Settings
from qa_queue.polls.model import Poll, Trial
from qa_queue.products.model import Product
from qa_queue.questions.model import Now, Question, Reply
from qa_queue.stage.model import Hand

E = TypeVar("E", bound=Entity)
_KINDS: dict[type[Entity], str] = {
    Question: "question",
    Reply: "reply",
    Now: "now",
    Settings: "settings",
    Member: "member",
    Block: "block",
    Poll: "poll",
    Trial: "trial",
    Hand: "hand",
    ChatMessage: "chat",
    Announcement: "announcement",
    Product: "product",
    Draw: "draw",
}


class State(msgspec.Struct):
    """The session after event `seq` of the log.

    `entities`: by kind and id, in the order in which they were made.
    `facts`: what people did, by subject and person: `v/q1` are the votes for q1, with "1" or the duplicate they came with;
    `b/p1` the ballots of a poll, lists; `c/k1`, `s/k1` clicks and samples; `d/d1` the entries of a draw, `Ticket`.
    `counts`: by subject and key: `votes` by question, `tally/p1` by option, `total` by poll, `reactions`, `clicks`, `samples`,
    `entries`.
    """

    seq: int = 0
    entities: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    counts: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Become the state after `event`.

        Raises:
            ValueError: `event` is not the one after `seq`.
        """
        if event.seq != self.seq + 1:
            raise ValueError(f"event {event.seq} cannot follow event {self.seq}")
        self.seq = event.seq
        match event.data:
            case Entity() as entity:
                self.entities.setdefault(event.kind, {})[entity.id] = entity
                if event.act == "ask":
                    self._count("votes", entity.id, 0)
            case Voted() as vote:
                self._fact(f"v/{vote.question}", event.by, "1" if vote.voted else None)
                self._count("votes", vote.question, vote.votes)
            case Merged() as merged:
                self._merge(merged)
            case Tallied() as tally:
                self._fact(f"b/{tally.poll}", event.by, tally.ballot)
                for key, count in tally.counts:
                    self._count(f"tally/{tally.poll}", key, count or None)
                self._count("total", tally.poll, tally.total)
            case Reacted() as reacted:
                for reaction, count in reacted.counts.items():
                    self._count("reactions", reaction, count)
            case Clicked() as clicked:
                self._fact(f"{clicked.how[0]}/{clicked.product}", event.by, "1")
                clicks = clicked.how == "click"
                self._count(f"{clicked.how}s", clicked.product, clicked.clicks if clicks else clicked.samples)
            case Entered() as entered:
                self._fact(f"d/{entered.draw}", event.by, entered.entry)
                self._count("entries", entered.draw, entered.entry.ticket)

    def all(self, kind: type[E]) -> Iterable[E]:
        """All entities of a kind, oldest first."""
        return self.entities.get(_KINDS[kind], {}).values()

    def get(self, kind: type[E], id: str) -> E | None:
        """The entity with this id."""
        return self.entities.get(_KINDS[kind], {}).get(id)

    @property
    def settings(self) -> Settings:
        """How the session is run."""
        return self.get(Settings, "settings") or Settings()

    @property
    def now(self) -> Now:
        """What is being answered."""
        return self.get(Now, "now") or Now(id="now")

    def votes(self, question: str) -> int:
        """Votes for a question."""
        return self.counts.get("votes", {}).get(question, 0)

    def fact(self, subject: str, person: str) -> Any:
        """What a person did to a subject; None: nothing."""
        return self.facts.get(subject, {}).get(person)

    def records_of(self, person: str) -> list[Member]:
        """What moderators decided about a person."""
        return [member for member in self.all(Member) if member.person == person]

    def _merge(self, merged: Merged) -> None:
        question = merged.question
        self.entities["question"][question.id] = question
        if question.state == "merged":
            there = self.facts.get(f"v/{merged.into}", {})
            for person in self.facts.get(f"v/{question.id}", {}):
                if person not in there:
                    self._fact(f"v/{merged.into}", person, question.id)
        else:
            voters = self.facts.get(f"v/{merged.into}", {})
            for person in [person for person, origin in voters.items() if origin == question.id]:
                self._fact(f"v/{merged.into}", person, None)
        self._count("votes", merged.into, merged.votes)

    def _fact(self, subject: str, person: str, value: Any) -> None:
        _put(self.facts, subject, person, value)

    def _count(self, subject: str, key: str, count: int | None) -> None:
        _put(self.counts, subject, key, count)


_FACTS: dict[str, Callable[[str], Any]] = {
    "b": msgspec.json.Decoder(list[str]).decode,
    "d": msgspec.json.Decoder(Ticket).decode,
}
"""How the facts of a subject are read."""

V = TypeVar("V")


def _put(table: dict[str, dict[str, V]], subject: str, key: str, value: V | None) -> None:
    """Set or remove, without empty tables left behind."""
    if value is not None:
        table.setdefault(subject, {})[key] = value
    elif subject in table:
        table[subject].pop(key, None)
        if not table[subject]:
            del table[subject]


def state_of_snapshot(reply: list[Any]) -> State:
    """Read what `snapshot.lua` returns."""
    seq, entities, facts, counts = reply
    state = State(seq)
    for field, raw in sorted(_pairs(entities), key=_age):
        kind, _, id = field.partition(":")
        state.entities.setdefault(kind, {})[id] = entity_of(kind, raw)
    for field, value in _pairs(facts):
        subject, _, person = field.partition(":")
        state.facts.setdefault(subject, {})[person] = _FACTS.get(subject[0], str)(value)
    for field, value in _pairs(counts):
        subject, _, key = field.partition(":")
        state.counts.setdefault(subject, {})[key] = int(value)
    return state


def _pairs(flat: list[str]) -> Iterable[tuple[str, str]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _age(item: tuple[str, str]) -> tuple[int, str]:
    """Ids that an event made end in its seq: q12, p7; the others have no order of their own."""
    id = item[0].partition(":")[2]
    return (int(id[1:]) if id[1:].isdecimal() else 0, id)
