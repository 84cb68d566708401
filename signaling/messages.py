"""Every message of `PROTOCOL.md` as a type.

The unions `ClientMessage` and `ServerMessage` are tagged by `type`, `Event` by `kind`. Fields that a receiver does not
know are ignored. Limits that have an error code of their own (the text of a question) are checked where it is made.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

# `$` also matches before a final line feed; `(?!\n)` closes that gap in Python and in ECMAScript.
SessionId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$(?!\n)", max_length=40)]
CommandId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,40}$(?!\n)", max_length=40)]
QuestionId = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=40)]
Token = Annotated[str, Meta(min_length=1, max_length=4096)]
Sdp = Annotated[str, Meta(min_length=1, max_length=200_000)]
Ticket = Annotated[str, Meta(min_length=1, max_length=256)]
Sequence = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Count = Annotated[int, Meta(ge=0)]
Stage = Annotated[float, Meta(ge=0, le=120_000)]

Role = Literal["host", "moderator", "member"]
QuestionState = Literal["queued", "answering", "answered"]
SourceKind = Literal["camera", "screen", "microphone"]
JoinPath = Literal["ticket", "ordinary", "switch"]
ConnectionKind = Literal["receive", "publish"]


# Client to server


class Join(Struct, tag="join", frozen=True, kw_only=True):
    """The first message of a socket: admission, and media in the same exchange."""

    v: int
    session: SessionId
    token: Token | None = None
    name: Name | None = None
    offer: Sdp | None = None
    ticket: Ticket | None = None
    last_event: Sequence | None = None


class Switch(Struct, tag="switch", frozen=True, kw_only=True):
    """Leave this session for another one, and take the receiving connection along."""

    session: SessionId
    token: Token | None = None
    name: Name | None = None
    last_event: Sequence | None = None


class Watch(Struct, tag="watch", frozen=True, kw_only=True):
    """Pictures are wanted, or sound alone."""

    pictures: bool


class JoinStages(Struct, frozen=True, kw_only=True):
    """Milliseconds from the tap to each stage; None where it was not reached or not seen."""

    offer: Stage | None = None
    answer: Stage | None = None
    joined: Stage | None = None
    ice: Stage | None = None
    dtls: Stage | None = None
    first_packet: Stage | None = None
    first_decoded: Stage | None = None
    first_shown: Stage | None = None


class JoinReport(Struct, tag="join_report", frozen=True, kw_only=True):
    """How long a join took; counted once for each."""

    path: JoinPath
    stages: JoinStages


class Receive(Struct, tag="receive", frozen=True, kw_only=True):
    """A new receiving connection, after the old one was lost."""

    offer: Sdp


class Publish(Struct, tag="publish", frozen=True, kw_only=True):
    """Go live, or replace what is live."""

    offer: Sdp


class Restart(Struct, tag="restart", frozen=True, kw_only=True):
    """Begin ICE anew on a connection that stays."""

    connection: ConnectionKind
    offer: Sdp


class Unpublish(Struct, tag="unpublish", frozen=True, kw_only=True):
    """Stop being live."""


class Ask(Struct, tag="ask", frozen=True, kw_only=True):
    """A question, with no votes."""

    cmd: CommandId
    text: str


class Vote(Struct, tag="vote", frozen=True, kw_only=True):
    """One vote of this person."""

    cmd: CommandId
    question: QuestionId


class Unvote(Struct, tag="unvote", frozen=True, kw_only=True):
    """Take the vote back."""

    cmd: CommandId
    question: QuestionId


class Answering(Struct, tag="answering", frozen=True, kw_only=True):
    """Move the pointer to a question, or away from all."""

    cmd: CommandId
    question: QuestionId | None


class Answered(Struct, tag="answered", frozen=True, kw_only=True):
    """Mark a question as answered."""

    cmd: CommandId
    question: QuestionId


Command = Ask | Vote | Unvote | Answering | Answered
ClientMessage = Join | Switch | Watch | JoinReport | Receive | Publish | Restart | Unpublish | Command


# What server messages are made of


class Person(Struct, frozen=True):
    """Who wrote something."""

    id: str
    name: str


class You(Struct, frozen=True):
    """Who this socket is."""

    id: str
    name: str
    role: Role


class SessionInfo(Struct, frozen=True):
    """The session as a page shows it."""

    id: str
    title: str


class Question(Struct, frozen=True):
    """A question; `asked_at` in milliseconds since 1970, `voted` for the person who reads it."""

    id: str
    text: str
    author: Person
    votes: Count
    state: QuestionState
    asked_at: Count
    voted: bool


class Snapshot(Struct, frozen=True):
    """The whole state of a session at one position of the log."""

    questions: list[Question]
    answering: str | None


class Source(Struct, frozen=True):
    """What a slot shows."""

    publisher: str
    name: str
    kind: SourceKind
    publication: str


class Slot(Struct, frozen=True):
    """A section of the receiving connection, and what is in it."""

    slot: str
    mid: str
    source: Source | None


class ErrorInfo(Struct, frozen=True):
    """A code of the page's table with its message."""

    code: str
    message: str


class IceServer(Struct, frozen=True, omit_defaults=True):
    """An `RTCIceServer`: a STUN server, or a TURN server with credentials that end."""

    urls: list[str]
    username: str | UnsetType = UNSET
    credential: str | UnsetType = UNSET


class AskedEvent(Struct, tag_field="kind", tag="asked", frozen=True, kw_only=True):
    """Somebody asked."""

    seq: Sequence
    at: Count
    question: Question


class VotedEvent(Struct, tag_field="kind", tag="voted", frozen=True, kw_only=True):
    """The count changed; `mine` is there for the person whose vote it is alone."""

    seq: Sequence
    at: Count
    question: str
    votes: Count
    mine: bool | UnsetType = UNSET


class AnsweringEvent(Struct, tag_field="kind", tag="answering", frozen=True, kw_only=True):
    """The pointer moved."""

    seq: Sequence
    at: Count
    question: str | None


class AnsweredEvent(Struct, tag_field="kind", tag="answered", frozen=True, kw_only=True):
    """A question is answered."""

    seq: Sequence
    at: Count
    question: str


Event = AskedEvent | VotedEvent | AnsweringEvent | AnsweredEvent


# Server to client


class Joined(Struct, tag="joined", frozen=True, kw_only=True):
    """The answer to `join`; exactly one of `snapshot` and `events` is not null."""

    you: You
    token: str | None
    session: SessionInfo
    answer: str | None
    media_error: ErrorInfo | None
    ice_servers: list[IceServer] = []
    slots: list[Slot]
    seq: Sequence
    snapshot: Snapshot | None
    events: list[Event] | None
    present: Count
    server_time: Count


class Waiting(Struct, tag="waiting", frozen=True, kw_only=True):
    """Many join at once; how many come before this one, itself included."""

    place: Count


class Receiving(Struct, tag="receiving", frozen=True, kw_only=True):
    """The answer to `receive`."""

    answer: str
    slots: list[Slot]


class Published(Struct, tag="published", frozen=True, kw_only=True):
    """The answer to `publish`."""

    publication: str
    answer: str


class Restarted(Struct, tag="restarted", frozen=True, kw_only=True):
    """The answer to `restart`."""

    connection: ConnectionKind
    answer: str


class Unpublished(Struct, tag="unpublished", frozen=True, kw_only=True):
    """The answer to `unpublish`."""


class Ack(Struct, tag="ack", frozen=True, kw_only=True):
    """The command is on disk."""

    cmd: str
    seq: Sequence
    question: str | None


class Events(Struct, tag="events", frozen=True, kw_only=True):
    """Events of the log, in order and without gaps."""

    events: list[Event]


class Presence(Struct, tag="presence", frozen=True, kw_only=True):
    """People connected."""

    present: Count


class Slots(Struct, tag="slots", frozen=True, kw_only=True):
    """What is shown where, always the whole list."""

    slots: list[Slot]


class Encodings(Struct, tag="encodings", frozen=True, kw_only=True):
    """The encodings of a simulcast that its publisher is to send, by rid and lowest first; the others are not watched."""

    publication: str
    kind: SourceKind
    active: list[str]


class Speakers(Struct, tag="speakers", frozen=True, kw_only=True):
    """Who speaks, always the whole list."""

    speakers: list[str]


class MediaClosed(Struct, tag="media_closed", frozen=True, kw_only=True):
    """The server lost or closed a media connection."""

    connection: ConnectionKind
    reason: str


class Error(Struct, tag="error", frozen=True, kw_only=True):
    """What could not be done; `message` is English, for logs."""

    code: str
    message: str
    cmd: str | UnsetType = UNSET
    retry_after_ms: Count | UnsetType = UNSET


ServerMessage = (
    Joined
    | Waiting
    | Receiving
    | Published
    | Restarted
    | Unpublished
    | Ack
    | Events
    | Presence
    | Slots
    | Encodings
    | Speakers
    | MediaClosed
    | Error
)
