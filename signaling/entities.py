"""What the state of a session is made of, as a page sees it.

An event carries the whole entity as it is after the change, so that a page puts it in the place of the one with the same
id. `deleted` entities stay in the state without their text; members are told that they are gone.
"""

from msgspec import Struct

from signaling.fields import (
    AnnouncementState,
    Ballot,
    Count,
    DrawState,
    HandState,
    Links,
    Order,
    PollKind,
    PollState,
    QuestionState,
    Reaction,
    Results,
    Role,
    Time,
)


class Person(Struct, frozen=True):
    """Who wrote or did something."""

    id: str
    name: str


class Question(Struct, frozen=True, kw_only=True):
    """A question.

    `author` is null for everybody where it was asked anonymously.
    `product`, `day`: what it is about, where the author said so. `place`: set by a moderator, who overrides the order.
    `first`: the author's first question. `reason`: why it was declined. `merged_into`: of which it is a duplicate.
    `answer_in`, `answer_out`: when its answer began and ended; null until then. `media_in`, `media_out`: the same by the clock of the
    host's media, in ms since 1970, as its sender reports tell it: cut the recording there. Null where nobody was live.
    """

    id: str
    text: str
    author: Person | None
    anonymous: bool
    product: str | None
    day: int | None
    labels: list[str]
    state: QuestionState
    reason: str | None
    merged_into: str | None
    place: int | None
    first: bool
    votes: Count
    asked_at: Time
    edited_at: Time | None
    answer_in: Time | None
    answer_out: Time | None
    media_in: Time | None
    media_out: Time | None
    deleted: bool


class Reply(Struct, frozen=True, kw_only=True):
    """An answer in text, by a host or a moderator."""

    id: str
    question: str
    author: Person
    text: str
    at: Time
    deleted: bool


class Now(Struct, frozen=True, kw_only=True):
    """What is being answered. `since`: its in mark. `until`: end of its quick slot, null without one. `next`: next up."""

    question: str | None
    since: Time | None
    until: Time | None
    next: str | None


class Settings(Struct, frozen=True, kw_only=True):
    """How the session is run; see the command `configure`."""

    premoderation: bool
    asking: bool
    anonymous: bool
    order: Order
    chat: bool
    slow_mode_s: Count
    links: Links
    max_stage: Count
    ask_every_s: Count


class Tally(Struct, frozen=True, kw_only=True):
    """The count of a poll: by option id, by stars, or by word or answer; points for a ranking. `total`: people."""

    total: Count
    counts: dict[str, int]


class Option(Struct, frozen=True):
    """What one may choose."""

    id: str
    text: str


class Poll(Struct, frozen=True, kw_only=True):
    """A poll. `deadline`: by the server's clock. `correct`: option of a quiz, null until it is closed, but for staff.

    `tally` is null where the reader may not see it (yet).
    """

    id: str
    kind: PollKind
    text: str
    options: list[Option]
    max_choices: Count
    stars: Count
    results: Results
    state: PollState
    deadline: Time | None
    opened_at: Time | None
    correct: str | None
    total: Count
    tally: Tally | None
    deleted: bool


class Hand(Struct, frozen=True, kw_only=True):
    """A raised hand, or somebody on stage; `id` is the person's. Ordered by `at`, when it was raised."""

    id: str
    name: str
    state: HandState
    at: Time
    voice_only: bool
    muted: bool


class ChatMessage(Struct, frozen=True, kw_only=True):
    """A line of the chat."""

    id: str
    author: Person
    role: Role
    text: str
    at: Time
    deleted: bool


class Announcement(Struct, frozen=True, kw_only=True):
    """An announcement. `at`: when it is or was shown; members see it from then on."""

    id: str
    text: str
    pinned: bool
    state: AnnouncementState
    at: Time
    deleted: bool


class Product(Struct, frozen=True, kw_only=True):
    """A product card. `clicks`, `samples`: people who opened its link, who asked for a sample."""

    id: str
    title: str
    picture: str | None
    link: str | None
    price: str | None
    pinned: bool
    clicks: Count
    samples: Count
    deleted: bool


class Draw(Struct, frozen=True, kw_only=True):
    """A lucky draw; `docs/draw.md` says how to verify it.

    `commitment`: SHA-256 of the secret, hex, from the beginning. `digest`: SHA-256 over the entries, once closed.
    `secret`, `tickets`: revealed when drawn, tickets in the order in which they won.
    """

    id: str
    title: str
    prizes: Count
    state: DrawState
    commitment: str
    entries: Count
    digest: str | None
    secret: str | None
    tickets: list[int]
    winners: list[Person]


class Trial(Struct, frozen=True, kw_only=True):
    """An entry of "next trial": what is to be tried next, and the poll that said so."""

    id: str
    text: str
    poll: str | None
    deleted: bool


class Member(Struct, frozen=True, kw_only=True):
    """What moderators decided about a person; told to staff and to the person alone.

    `id` and `name` are null where the person was found by something anonymous, which `via` names.
    `muted_until`: ms since 1970, 0 for not muted, 9999999999999 for good. `role`: instead of the token's, null for that one.
    """

    id: str | None
    name: str | None
    via: str | None
    muted_until: Time
    banned: bool
    role: Role | None


class Block(Struct, frozen=True, kw_only=True):
    """A blocked word, or host of links; told to staff alone."""

    id: str
    text: str
    link: bool


class Mine(Struct, frozen=True, kw_only=True):
    """What is this person's own: the questions that it asked and votes for, its ballots by poll, the products of which it asked
    for a sample, its tickets by draw, and what moderators decided about it."""

    asked: list[str]
    votes: list[str]
    ballots: dict[str, Ballot]
    samples: list[str]
    tickets: dict[str, int]
    member: Member | None


class Snapshot(Struct, frozen=True, kw_only=True):
    """The whole state of a session at one position of the log, as one person sees it. `chat`: the last 100 lines.

    `members`, `blocks`: empty but for staff.
    `order`: the ids of the queued questions in the session's order, the first 100.
    """

    settings: Settings
    now: Now
    questions: list[Question]
    replies: list[Reply]
    polls: list[Poll]
    reactions: dict[Reaction, int]
    hands: list[Hand]
    chat: list[ChatMessage]
    announcements: list[Announcement]
    products: list[Product]
    draws: list[Draw]
    trials: list[Trial]
    mine: Mine
    members: list[Member]
    blocks: list[Block]
    order: list[str]
