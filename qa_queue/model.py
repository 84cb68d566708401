"""People and questions, as the queue knows them. Their JSON is that of the wire protocol."""

from typing import Literal

import msgspec

QuestionState = Literal["queued", "answering", "answered"]


class Person(msgspec.Struct, frozen=True):
    """Who acts. `id` is the one that votes are counted by; `name` is shown."""

    id: str
    name: str


class Question(msgspec.Struct, frozen=True):
    """A question. `asked_at` is in ms since 1970."""

    id: str
    text: str
    author: Person
    votes: int
    state: QuestionState
    asked_at: int
