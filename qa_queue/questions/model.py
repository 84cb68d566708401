"""What questions are made of."""

from typing import Literal

import msgspec

from qa_queue.model import Entity, Person

QuestionState = Literal["received", "queued", "answering", "answered", "declined", "withdrawn", "merged"]


class Question(Entity, frozen=True, kw_only=True):
    """A question. Times in ms since 1970. `merged_from`: its state before it was merged. `tier`: its author's.

    `answer_in`, `answer_out`: the store's clock; `media_in`, `media_out`: the same moments by the clock of the host's media, as its
    sender reports tell it, where a host was live. Its votes are a count of the state.
    """

    text: str
    author: Person
    anonymous: bool
    state: QuestionState
    first: bool
    asked_at: int
    tier: int = 0
    product: str | None = None
    day: int | None = None
    labels: list[str] = msgspec.field(default_factory=list)
    reason: str | None = None
    merged_into: str | None = None
    merged_from: QuestionState | None = None
    place: int | None = None
    edited_at: int | None = None
    answer_in: int | None = None
    answer_out: int | None = None
    media_in: int | None = None
    media_out: int | None = None
    deleted: bool = False


class Reply(Entity, frozen=True, kw_only=True):
    """An answer in text."""

    question: str
    author: Person
    text: str
    at: int
    deleted: bool = False


class Now(Entity, frozen=True, kw_only=True):
    """What is being answered; its id is "now"."""

    question: str | None = None
    since: int | None = None
    until: int | None = None
    next: str | None = None
