"""The events of the queue, and how the log spells them.

`by` is the id of the person who acted. It is for the server alone: who voted is never shown to others.
"""

import msgspec

from qa_queue.model import Person, Question
from store.errors import StoreDefect
from store.log import Entry


class _Event(msgspec.Struct, frozen=True, tag_field="kind"):
    """`seq`: position in the session log. `at`: ms since 1970."""

    seq: int
    at: int
    by: str


class Asked(_Event, frozen=True, tag="asked"):
    """A new question."""

    question: Question


class Voted(_Event, frozen=True, tag="voted"):
    """`by` gave (`voted`) or took back a vote; `votes` is the count after it."""

    question: str
    votes: int
    voted: bool


class Answering(_Event, frozen=True, tag="answering"):
    """The pointer moved to `question`, or was cleared."""

    question: str | None


class Answered(_Event, frozen=True, tag="answered"):
    """`question` is answered; the pointer is cleared if it stood there."""

    question: str


Event = Asked | Voted | Answering | Answered


def decode(entry: Entry) -> Event:
    """Read an event from the log.

    Raises:
        StoreDefect: this code never writes such an entry.
    """
    fields = entry.fields
    try:
        at, by = int(fields["at"]), fields["by"]
        match fields["kind"]:
            case "asked":
                author = Person(by, fields["name"])
                return Asked(entry.seq, at, by, Question(fields["question"], fields["text"], author, 0, "queued", at))
            case "voted":
                return Voted(entry.seq, at, by, fields["question"], int(fields["votes"]), fields["voted"] == "1")
            case "answering":
                return Answering(entry.seq, at, by, fields.get("question"))
            case "answered":
                return Answered(entry.seq, at, by, fields["question"])
            case kind:
                problem = f"unknown kind {kind}"
    except (KeyError, ValueError) as error:
        problem = repr(error)
    raise StoreDefect(f"Entry {entry.seq} of the log is no event of the queue: {problem}")
