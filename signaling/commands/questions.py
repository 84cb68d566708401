"""Commands on questions, and what is being answered."""

from typing import Annotated

from msgspec import Meta

from signaling.commands.base import BaseCommand
from signaling.fields import Day, Id, Labels, LongText, ShortText, Time


class Ask(BaseCommand, frozen=True, kw_only=True):
    """A question, with no votes; `anonymous`: nobody else ever learns who asked."""

    text: LongText
    anonymous: bool = False
    product: Id | None = None
    day: Day | None = None


class Edit(BaseCommand, frozen=True, kw_only=True):
    """Change one's own question, until it is picked up."""

    question: Id
    text: LongText


class Withdraw(BaseCommand, frozen=True, kw_only=True):
    """Take one's own question back, until it is picked up."""

    question: Id


class Vote(BaseCommand, frozen=True, kw_only=True):
    """One vote of this person."""

    question: Id


class Unvote(BaseCommand, frozen=True, kw_only=True):
    """Take the vote back."""

    question: Id


class Approve(BaseCommand, frozen=True, kw_only=True):
    """Let a received or declined question into the queue."""

    question: Id


class Decline(BaseCommand, frozen=True, kw_only=True):
    """Do not answer a question, and tell its author why."""

    question: Id
    reason: ShortText


class SetLabels(BaseCommand, frozen=True, kw_only=True):
    """Replace the labels of a question."""

    question: Id
    labels: Labels


class SetPlace(BaseCommand, frozen=True, kw_only=True):
    """Override the order: 1 is first; null ends it. Everybody sees that a moderator did."""

    question: Id
    place: Annotated[int, Meta(ge=1, le=1000)] | None


class WriteReply(BaseCommand, frozen=True, kw_only=True):
    """Answer in text."""

    question: Id
    text: LongText


class Merge(BaseCommand, frozen=True, kw_only=True):
    """`question` is a duplicate of `into`, which gets its votes, each person's once."""

    question: Id
    into: Id


class Unmerge(BaseCommand, frozen=True, kw_only=True):
    """Undo a merge; `into` loses the votes that it had from it."""

    question: Id


class Answering(BaseCommand, frozen=True, kw_only=True):
    """Move the pointer to a question, or away from all. `quick_s`: give it a slot of so many seconds."""

    question: Id | None
    quick_s: Annotated[int, Meta(ge=5, le=600)] | None = None


class Answered(BaseCommand, frozen=True, kw_only=True):
    """Mark a question as answered."""

    question: Id


class NextUp(BaseCommand, frozen=True, kw_only=True):
    """Say which question comes next; null: none."""

    question: Id | None


class Mark(BaseCommand, frozen=True, kw_only=True):
    """Correct the in and out marks of an answer; `media_in` and `media_out` move by as much."""

    question: Id
    answer_in: Time
    answer_out: Time
