"""Every message of `PROTOCOL.md` as a type.

The unions `ClientMessage` and `ServerMessage` are tagged by `type`, `Event` by `kind`. Fields that a receiver does not
know are ignored. Commands, events and what they are about have files of their own.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from signaling.commands import Command
from signaling.entities import Person, Snapshot
from signaling.events import Event
from signaling.fields import (
    ConnectionKind,
    Count,
    DeviceId,
    Id,
    JoinPath,
    Name,
    Order,
    Reaction,
    Role,
    Sdp,
    Sequence,
    SessionId,
    SourceKind,
    Stage,
    Ticket,
    Time,
    Token,
)

# Client to server


class Join(Struct, tag="join", frozen=True, kw_only=True):
    """The first message of a socket: admission, and media in the same exchange."""

    v: int
    session: SessionId
    token: Token | None = None
    name: Name | None = None
    device: DeviceId | None = None
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


class GetTime(Struct, tag="time", frozen=True, kw_only=True):
    """Measure the offset of one's clock; `t0` is that clock, in ms, and comes back."""

    t0: float


class React(Struct, tag="react", frozen=True, kw_only=True):
    """Taps since the last such message; counted, not acknowledged."""

    reaction: Reaction
    count: Annotated[int, Meta(ge=1, le=50)] = 1


class GetDuplicates(Struct, tag="duplicates", frozen=True, kw_only=True):
    """Which questions may be the same as this one? Staff only."""

    question: Id


class GetAudit(Struct, tag="audit", frozen=True, kw_only=True):
    """The acts of hosts and moderators before a position of the log, newest first. Staff only."""

    before: Sequence | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


Request = (
    Switch | Watch | JoinReport | Receive | Publish | Restart | Unpublish | GetTime | React | GetDuplicates | GetAudit
)
ClientMessage = Join | Request | Command


# What server messages are made of


class You(Struct, frozen=True):
    """Who this socket is."""

    id: str
    name: str
    role: Role


class SessionInfo(Struct, frozen=True):
    """The session as a page shows it."""

    id: str
    title: str


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


class Candidate(Struct, frozen=True):
    """A question that may be a duplicate. `score`: 0 to 100."""

    question: str
    score: float


class Act(Struct, frozen=True, kw_only=True):
    """What a host or a moderator did, and to what: `id` of the entity of that kind; null where it has none to show."""

    seq: Sequence
    at: Time
    by: Person
    act: str
    kind: str
    id: str | None


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
    server_time: Time


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


class TimeIs(Struct, tag="time", frozen=True, kw_only=True):
    """The answer to `time`: `t1` and `t2`, when the server got the question and when it answered, in ms since 1970."""

    t0: float
    t1: float
    t2: float


class Ack(Struct, tag="ack", frozen=True, kw_only=True):
    """The command is on disk. `id`: what it made or was about."""

    cmd: str
    seq: Sequence
    id: str | None


class Events(Struct, tag="events", frozen=True, kw_only=True):
    """The log after position `after` and up to `seq`: what this person is shown of it, and of counts the last alone."""

    after: Sequence
    seq: Sequence
    events: list[Event]


class Ordered(Struct, tag="order", frozen=True, kw_only=True):
    """The queued questions in the session's order, the first 100; at most once a second, when it changed."""

    order: Order
    questions: list[str]


class LogHash(Struct, tag="log_hash", frozen=True, kw_only=True):
    """The running hash over the log up to `seq`; `docs/log.md` says how to check it."""

    seq: Sequence
    sha256: str


class Duplicates(Struct, tag="duplicates", frozen=True, kw_only=True):
    """The answer to `duplicates`, likeliest first."""

    question: str
    candidates: list[Candidate]


class Audit(Struct, tag="audit", frozen=True, kw_only=True):
    """The answer to `audit`; `before` is where to go on, null at the beginning of the log."""

    acts: list[Act]
    before: Sequence | None


class Presence(Struct, tag="presence", frozen=True, kw_only=True):
    """People connected."""

    present: Count


class Slots(Struct, tag="slots", frozen=True, kw_only=True):
    """What is shown where, always the whole list."""

    slots: list[Slot]


class Quality(Struct, tag="quality", frozen=True, kw_only=True):
    """How much of its source `main` shows, and why not all; `cause` is null for "full"."""

    picture: Literal["full", "reduced", "paused"]
    cause: Literal["link", "host"] | None


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
    | TimeIs
    | Ack
    | Events
    | Ordered
    | LogHash
    | Duplicates
    | Audit
    | Presence
    | Slots
    | Quality
    | Encodings
    | Speakers
    | MediaClosed
    | Error
)
