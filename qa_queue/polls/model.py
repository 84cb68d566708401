"""What polls are made of."""

from typing import Literal

import msgspec

from qa_queue.model import Entity

PollKind = Literal["single", "multiple", "rating", "ranking", "words", "open", "quiz"]
Results = Literal["live", "voted", "closed", "staff"]


class Option(msgspec.Struct, frozen=True):
    """What one may choose."""

    id: str
    text: str


class Poll(Entity, frozen=True, kw_only=True):
    """A poll. Its ballots and counts are facts and counts of the state."""

    kind: PollKind
    text: str
    max_choices: int
    stars: int
    results: Results
    state: Literal["draft", "open", "closed"]
    options: list[Option] = msgspec.field(default_factory=list)
    deadline: int | None = None
    opened_at: int | None = None
    correct: str | None = None
    deleted: bool = False


class Trial(Entity, frozen=True, kw_only=True):
    """What is to be tried next."""

    text: str
    poll: str | None = None
    deleted: bool = False
