"""What draws are made of."""

from typing import Literal

import msgspec

from qa_queue.model import Entity, Person


class Ticket(msgspec.Struct, frozen=True):
    """An entry: the ticket's number from 1 on, the random text of its owner, and the owner's name."""

    ticket: int
    nonce: str
    name: str


class Draw(Entity, frozen=True, kw_only=True):
    """A draw. `secret` stands here only once it is drawn."""

    title: str
    prizes: int
    state: Literal["open", "closed", "drawn", "cancelled"]
    commitment: str
    digest: str | None = None
    secret: str | None = None
    tickets: list[int] = msgspec.field(default_factory=list)
    winners: list[Person] = msgspec.field(default_factory=list)
