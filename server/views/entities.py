"""Entities of the queue as members and staff see them."""

from typing import Any, TypeVar

import msgspec

from qa_queue.chat.model import Announcement, ChatMessage
from qa_queue.draw.model import Draw
from qa_queue.model import Person
from qa_queue.moderation.model import Block, Member, Settings
from qa_queue.polls.model import Poll, Trial
from qa_queue.products.model import Product
from qa_queue.questions.model import Now, Question, Reply
from qa_queue.stage.model import Hand
from qa_queue.state import State
from signaling import entities as wire

W = TypeVar("W", bound=msgspec.Struct)

SHOWN_KEYS = 100
"""Words and answers of a poll that a tally holds, the commonest."""


def question(of: Question, state: State, *, full: bool) -> wire.Question:
    """A question; `full` for staff and its author, who see what is hidden too."""
    shown = full or is_public(of)
    return _same(
        wire.Question,
        of,
        text=of.text if shown else "",
        author=None if of.anonymous or not shown else person(of.author),
        reason=of.reason if full else None,
        votes=state.votes(of.id),
    )


def is_public(of: Question) -> bool:
    """Whether members see a question's text."""
    state = of.merged_from if of.state == "merged" else of.state
    return not of.deleted and state in ("queued", "answering", "answered")


def reply(of: Reply, *, full: bool) -> wire.Reply:
    """An answer in text."""
    return _same(wire.Reply, of, author=person(of.author), text=of.text if full or not of.deleted else "")


def now(of: Now) -> wire.Now:
    """What is being answered."""
    return _same(wire.Now, of)


def settings(of: Settings) -> wire.Settings:
    """How the session is run."""
    return _same(wire.Settings, of)


def poll(of: Poll, state: State, *, full: bool, tally: bool) -> wire.Poll:
    """A poll; `tally`: whether the reader may see the count."""
    hidden = of.deleted and not full
    return _same(
        wire.Poll,
        of,
        text="" if hidden else of.text,
        options=[] if hidden else [wire.Option(option.id, option.text) for option in of.options],
        correct=of.correct if full or of.state == "closed" else None,
        total=state.counts.get("total", {}).get(of.id, 0),
        tally=tally_of(of, state) if tally and not hidden else None,
    )


def shows_tally(of: Poll) -> bool:
    """Whether all members may see the count of a poll."""
    return of.results == "live" or (of.results in ("voted", "closed") and of.state == "closed")


def shows_tally_to_voters(of: Poll) -> bool:
    """Whether who has voted may see it."""
    return shows_tally(of) or of.results == "voted"


def tally_of(of: Poll, state: State) -> wire.Tally:
    """The count of a poll."""
    counts = state.counts.get(f"tally/{of.id}", {})
    commonest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:SHOWN_KEYS]
    return wire.Tally(total=state.counts.get("total", {}).get(of.id, 0), counts=dict(commonest))


def hand(of: Hand) -> wire.Hand | None:
    """A hand; None for one that is down."""
    return None if of.state == "down" else _same(wire.Hand, of)


def chat(of: ChatMessage, *, full: bool) -> wire.ChatMessage:
    """A line of chat."""
    return _same(wire.ChatMessage, of, author=person(of.author), text=of.text if full or not of.deleted else "")


def announcement(of: Announcement, *, full: bool) -> wire.Announcement:
    """An announcement."""
    shown = full or (of.state == "shown" and not of.deleted)
    return _same(wire.Announcement, of, text=of.text if shown else "")


def product(of: Product, state: State, *, full: bool) -> wire.Product:
    """A product card."""
    hidden = of.deleted and not full
    return _same(
        wire.Product,
        of,
        title="" if hidden else of.title,
        clicks=state.counts.get("clicks", {}).get(of.id, 0),
        samples=state.counts.get("samples", {}).get(of.id, 0),
    )


def draw(of: Draw, state: State) -> wire.Draw:
    """A draw."""
    entries = state.counts.get("entries", {}).get(of.id, 0)
    return _same(wire.Draw, of, entries=entries, winners=[person(winner) for winner in of.winners])


def trial(of: Trial, *, full: bool) -> wire.Trial:
    """An entry of "next trial"."""
    return _same(wire.Trial, of, text=of.text if full or not of.deleted else "")


def member(of: Member) -> wire.Member:
    """A decision about a person, for staff: who asked anonymously stays unknown."""
    if of.via:
        via = of.id.partition(":")[2]
        return _same(wire.Member, of, id=None, name=None, via=via)
    return _same(wire.Member, of, via=None)


def me(state: State, person_id: str) -> wire.Member | None:
    """All decisions about a person, for that person; None: none."""
    records = state.records_of(person_id)
    if not records:
        return None
    return wire.Member(
        id=person_id,
        name=records[0].name,
        via=None,
        muted_until=max(record.muted_until for record in records),
        banned=any(record.banned for record in records),
        role=next((role for record in records if (role := record.role) and role != "system"), None),
    )


def block(of: Block) -> wire.Block | None:
    """A blocked word or host; None for one that is allowed again."""
    return None if of.removed else _same(wire.Block, of)


def person(of: Person) -> wire.Person:
    """Somebody."""
    return wire.Person(of.id, of.name)


def _same(cls: type[W], of: msgspec.Struct, **changed: Any) -> W:
    """A struct of the wire with the fields of the same names, but for those given."""
    names = cls.__struct_fields__
    return cls(**{name: changed[name] if name in changed else getattr(of, name) for name in names})
