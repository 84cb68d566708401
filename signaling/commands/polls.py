"""Commands on polls."""

from typing import Annotated

from msgspec import Meta, field

from signaling.commands.base import BaseCommand
from signaling.fields import Ballot, Id, LongText, PollKind, Results, ShortText


class PollMake(BaseCommand, frozen=True, kw_only=True):
    """A poll, as a draft. `options`: 2 to 20 for single, multiple, ranking, quiz; else none. `correct`: index, for a quiz."""

    kind: PollKind
    text: LongText
    options: Annotated[list[ShortText], Meta(max_length=20)] = field(default_factory=list)
    max_choices: Annotated[int, Meta(ge=1, le=20)] = 20
    stars: Annotated[int, Meta(ge=2, le=10)] = 5
    results: Results = "live"
    correct: Annotated[int, Meta(ge=0, le=19)] | None = None


class PollOpen(BaseCommand, frozen=True, kw_only=True):
    """Take votes. `for_s`: until a deadline, null without one."""

    poll: Id
    for_s: Annotated[int, Meta(ge=5, le=86400)] | None = None


class PollClose(BaseCommand, frozen=True, kw_only=True):
    """Take no more."""

    poll: Id


class PollVote(BaseCommand, frozen=True, kw_only=True):
    """One ballot of this person, replacing an earlier one: option ids, stars, the ranking best first, words, or a text."""

    poll: Id
    ballot: Ballot


class TrialAdd(BaseCommand, frozen=True, kw_only=True):
    """Something for "next trial"; `poll`: the closed poll that it comes from, whose first is taken where `text` is left out."""

    text: ShortText | None = None
    poll: Id | None = None
