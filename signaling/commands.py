"""The commands: what a person does in a session.

Each carries `cmd`, by which a repetition is known. Its tag is its class name in snake case. Limits that have an error code
of their own (the text of a question) are checked where they are stored.
"""

import re
from typing import Annotated

from msgspec import Meta, Struct

from signaling.fields import (
    Ballot,
    CommandId,
    Day,
    Deletable,
    Id,
    Labels,
    Links,
    LongText,
    Nonce,
    Order,
    PollKind,
    Results,
    Role,
    ShortText,
    Time,
    Url,
)


def snake_case(name: str) -> str:
    """`PollVote` is `poll_vote`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class _Command(Struct, frozen=True, kw_only=True, tag=snake_case):
    cmd: CommandId


# Questions


class Ask(_Command, frozen=True, kw_only=True):
    """A question, with no votes; `anonymous`: nobody else ever learns who asked."""

    text: LongText
    anonymous: bool = False
    product: Id | None = None
    day: Day | None = None


class Edit(_Command, frozen=True, kw_only=True):
    """Change one's own question, until it is picked up."""

    question: Id
    text: LongText


class Withdraw(_Command, frozen=True, kw_only=True):
    """Take one's own question back, until it is picked up."""

    question: Id


class Vote(_Command, frozen=True, kw_only=True):
    """One vote of this person."""

    question: Id


class Unvote(_Command, frozen=True, kw_only=True):
    """Take the vote back."""

    question: Id


class Approve(_Command, frozen=True, kw_only=True):
    """Let a received or declined question into the queue."""

    question: Id


class Decline(_Command, frozen=True, kw_only=True):
    """Do not answer a question, and tell its author why."""

    question: Id
    reason: ShortText


class SetLabels(_Command, frozen=True, kw_only=True):
    """Replace the labels of a question."""

    question: Id
    labels: Labels


class SetPlace(_Command, frozen=True, kw_only=True):
    """Override the order: 1 is first; null ends it. Everybody sees that a moderator did."""

    question: Id
    place: Annotated[int, Meta(ge=1, le=1000)] | None


class WriteReply(_Command, frozen=True, kw_only=True):
    """Answer in text."""

    question: Id
    text: LongText


class Merge(_Command, frozen=True, kw_only=True):
    """`question` is a duplicate of `into`, which gets its votes, each person's once."""

    question: Id
    into: Id


class Unmerge(_Command, frozen=True, kw_only=True):
    """Undo a merge; `into` loses the votes that it had from it."""

    question: Id


class Answering(_Command, frozen=True, kw_only=True):
    """Move the pointer to a question, or away from all. `quick_s`: give it a slot of so many seconds."""

    question: Id | None
    quick_s: Annotated[int, Meta(ge=5, le=600)] | None = None


class Answered(_Command, frozen=True, kw_only=True):
    """Mark a question as answered."""

    question: Id


class NextUp(_Command, frozen=True, kw_only=True):
    """Say which question comes next; null: none."""

    question: Id | None


class Mark(_Command, frozen=True, kw_only=True):
    """Correct the in and out marks of an answer, media clock."""

    question: Id
    answer_in: Time
    answer_out: Time


# Moderation


class Configure(_Command, frozen=True, kw_only=True):
    """Change settings; those left out stay."""

    premoderation: bool | None = None
    asking: bool | None = None
    anonymous: bool | None = None
    order: Order | None = None
    chat: bool | None = None
    slow_mode_s: Annotated[int, Meta(ge=0, le=3600)] | None = None
    links: Links | None = None
    max_stage: Annotated[int, Meta(ge=0, le=3)] | None = None
    ask_every_s: Annotated[int, Meta(ge=0, le=3600)] | None = None


class Mute(_Command, frozen=True, kw_only=True):
    """Let a person only read and vote. The person is named, or the author of `of`, which may be anonymous.

    `for_s`: null for good.
    """

    person: Id | None = None
    of: Id | None = None
    for_s: Annotated[int, Meta(ge=10, le=366 * 86400)] | None


class Unmute(_Command, frozen=True, kw_only=True):
    """End it."""

    person: Id | None = None
    of: Id | None = None


class Ban(_Command, frozen=True, kw_only=True):
    """Send a person away, with the devices that it came with."""

    person: Id | None = None
    of: Id | None = None


class Unban(_Command, frozen=True, kw_only=True):
    """Let it come back."""

    person: Id | None = None
    of: Id | None = None


class SetRole(_Command, frozen=True, kw_only=True):
    """Make a member a moderator, or the other way; null: what the token says."""

    person: Id
    role: Role | None


class BlockAdd(_Command, frozen=True, kw_only=True):
    """Block a word, or the host of links."""

    text: ShortText
    link: bool = False


class BlockRemove(_Command, frozen=True, kw_only=True):
    """Allow it again."""

    block: Id


class Delete(_Command, frozen=True, kw_only=True):
    """Hide what somebody wrote; can be undone."""

    kind: Deletable
    id: Id


class Undelete(_Command, frozen=True, kw_only=True):
    """Show it again."""

    kind: Deletable
    id: Id


# Polls


class PollMake(_Command, frozen=True, kw_only=True):
    """A poll, as a draft. `options`: 2 to 20 for single, multiple, ranking, quiz; else none. `correct`: index, for a quiz."""

    kind: PollKind
    text: LongText
    options: Annotated[list[ShortText], Meta(max_length=20)] = []
    max_choices: Annotated[int, Meta(ge=1, le=20)] = 20
    stars: Annotated[int, Meta(ge=2, le=10)] = 5
    results: Results = "live"
    correct: Annotated[int, Meta(ge=0, le=19)] | None = None


class PollOpen(_Command, frozen=True, kw_only=True):
    """Take votes. `for_s`: until a deadline, null without one."""

    poll: Id
    for_s: Annotated[int, Meta(ge=5, le=86400)] | None = None


class PollClose(_Command, frozen=True, kw_only=True):
    """Take no more."""

    poll: Id


class PollVote(_Command, frozen=True, kw_only=True):
    """One ballot of this person, replacing an earlier one: option ids, stars, the ranking best first, words, or a text."""

    poll: Id
    ballot: Ballot


class TrialAdd(_Command, frozen=True, kw_only=True):
    """Something for "next trial"; `poll`: the closed poll that it comes from, whose first is taken where `text` is left out."""

    text: ShortText | None = None
    poll: Id | None = None


# Stage


class HandRaise(_Command, frozen=True, kw_only=True):
    """Ask to come on stage. `voice_only`: without a camera."""

    voice_only: bool = False


class HandLower(_Command, frozen=True, kw_only=True):
    """Do not ask any more, or do not accept; `person`: somebody else's hand, by staff."""

    person: Id | None = None


class HandInvite(_Command, frozen=True, kw_only=True):
    """Ask somebody to come, with or without a raised hand."""

    person: Id


class StageEnter(_Command, frozen=True, kw_only=True):
    """Accept an invitation; then `publish`."""

    voice_only: bool = False


class StageLeave(_Command, frozen=True, kw_only=True):
    """Go back; `person`: remove somebody, by staff."""

    person: Id | None = None


class StageMute(_Command, frozen=True, kw_only=True):
    """Turn one's own microphone off or on; `person`: somebody's off, by staff."""

    person: Id | None = None
    muted: bool


# Chat, announcements, products, draws


class Say(_Command, frozen=True, kw_only=True):
    """A line of chat."""

    text: LongText


class Announce(_Command, frozen=True, kw_only=True):
    """An announcement; `at`: not before, null for now."""

    text: LongText
    pinned: bool = False
    at: Time | None = None


class AnnouncementPin(_Command, frozen=True, kw_only=True):
    """Pin it, or not."""

    announcement: Id
    pinned: bool


class AnnouncementWithdraw(_Command, frozen=True, kw_only=True):
    """Take it back, whether it was shown or not."""

    announcement: Id


class ProductAdd(_Command, frozen=True, kw_only=True):
    """A product card."""

    title: ShortText
    picture: Url | None = None
    link: Url | None = None
    price: ShortText | None = None


class ProductPin(_Command, frozen=True, kw_only=True):
    """Show one card, instead of another; null: none."""

    product: Id | None


class ProductClick(_Command, frozen=True, kw_only=True):
    """This person opened the link."""

    product: Id


class ProductSample(_Command, frozen=True, kw_only=True):
    """This person would like a sample."""

    product: Id


class DrawOpen(_Command, frozen=True, kw_only=True):
    """A draw of `prizes` winners; its commitment is public from now on."""

    title: ShortText
    prizes: Annotated[int, Meta(ge=1, le=100)] = 1


class DrawEnter(_Command, frozen=True, kw_only=True):
    """Take part, once. `nonce`: random, of the entrant; it goes into the result."""

    draw: Id
    nonce: Nonce


class DrawClose(_Command, frozen=True, kw_only=True):
    """Take no more entries and draw."""

    draw: Id


class DrawCancel(_Command, frozen=True, kw_only=True):
    """End it without winners."""

    draw: Id


Command = (
    Ask
    | Edit
    | Withdraw
    | Vote
    | Unvote
    | Approve
    | Decline
    | SetLabels
    | SetPlace
    | WriteReply
    | Merge
    | Unmerge
    | Answering
    | Answered
    | NextUp
    | Mark
    | Configure
    | Mute
    | Unmute
    | Ban
    | Unban
    | SetRole
    | BlockAdd
    | BlockRemove
    | Delete
    | Undelete
    | PollMake
    | PollOpen
    | PollClose
    | PollVote
    | TrialAdd
    | HandRaise
    | HandLower
    | HandInvite
    | StageEnter
    | StageLeave
    | StageMute
    | Say
    | Announce
    | AnnouncementPin
    | AnnouncementWithdraw
    | ProductAdd
    | ProductPin
    | ProductClick
    | ProductSample
    | DrawOpen
    | DrawEnter
    | DrawClose
    | DrawCancel
)
"""Every command."""
