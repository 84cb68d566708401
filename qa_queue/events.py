"""The events of the session log.

Most carry an entity, as it is after the change; the others carry counts. `by` is for the server: who voted, or asked
anonymously, is never shown to others.
"""

from typing import Any

import msgspec

from qa_queue.chat.model import Announcement, ChatMessage
from qa_queue.draw.model import Draw, Ticket
from qa_queue.model import Entity, Role
from qa_queue.moderation.model import Block, Member, Settings
from qa_queue.polls.model import Poll, Trial
from qa_queue.products.model import Product
from qa_queue.questions.model import Now, Question, Reply
from qa_queue.stage.model import Hand
from store.errors import StoreDefect
from store.log import Entry


class Voted(msgspec.Struct, frozen=True):
    """A vote was given (`voted`) or taken back; `votes` is the count after it."""

    question: str
    votes: int
    voted: bool


class Merged(msgspec.Struct, frozen=True):
    """`question`, as it is now, was merged into `into` or taken out; `votes` are those of `into` after it."""

    question: Question
    into: str
    votes: int


class Tallied(msgspec.Struct, frozen=True):
    """A ballot was cast; `counts`: those that changed, 0 for gone."""

    poll: str
    ballot: list[str]
    total: int
    counts: list[tuple[str, int]]


class Reacted(msgspec.Struct, frozen=True):
    """Totals of the reactions that changed."""

    counts: dict[str, int]


class Clicked(msgspec.Struct, frozen=True):
    """Somebody is interested in a product; the counts after it. `how`: "click" or "sample"."""

    product: str
    how: str
    clicks: int
    samples: int


class Entered(msgspec.Struct, frozen=True):
    """Somebody takes part in a draw."""

    draw: str
    entry: Ticket


Data = Entity | Voted | Merged | Tallied | Reacted | Clicked | Entered

KINDS: dict[str, Any] = {
    "question": Question,
    "reply": Reply,
    "now": Now,
    "settings": Settings,
    "member": Member,
    "block": Block,
    "poll": Poll,
    "trial": Trial,
    "hand": Hand,
    "chat": ChatMessage,
    "announcement": Announcement,
    "product": Product,
    "draw": Draw,
    "voted": Voted,
    "merged": Merged,
    "tally": Tallied,
    "reactions": Reacted,
    "clicked": Clicked,
    "entered": Entered,
}
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {kind: msgspec.json.Decoder(of) for kind, of in KINDS.items()}


class Event(msgspec.Struct, frozen=True):
    """One event.

    `seq`: position in the session log. `at`: ms since 1970. `by`, `name`, `role`: who acted, with the role that counted;
    "system" for what the server did at its time. `act`: the command. `kind`: a key of `KINDS`, which says what `data` is.
    """

    seq: int
    at: int
    by: str
    name: str
    role: Role
    act: str
    kind: str
    data: Any


def decode(entry: Entry) -> Event:
    """Read an event from the log.

    Raises:
        StoreDefect: this code never writes such an entry.
    """
    fields = entry.fields
    try:
        kind = fields["kind"]
        data = entity_of(kind, fields["data"])
        role: Any = fields["role"]
        return Event(entry.seq, int(fields["at"]), fields["by"], fields["name"], role, fields["act"], kind, data)
    except (KeyError, ValueError) as error:
        raise StoreDefect(f"Entry {entry.seq} of the log is no event of the queue: {error!r}") from error


def entity_of(kind: str, raw: str) -> Any:
    """Decode what is kept of a kind. Raises KeyError for an unknown kind, ValueError for what does not fit."""
    return _DECODERS[kind].decode(raw)
