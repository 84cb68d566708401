"""The log as it is given out: one line an event, without the identity of who asked anonymously, and a running hash over it.

`docs/log.md` says how to check it.
"""

import csv
import hashlib
import io
from typing import Any, ClassVar

import msgspec

from qa_queue.events import Event, Merged
from qa_queue.moderation.model import Member
from qa_queue.questions.model import Question

COLUMNS = ("seq", "at", "kind", "act", "by", "name", "role", "id", "data")


def record(event: Event) -> dict[str, Any]:
    """An event as builtins, without what must not leave the server."""
    data: dict[str, Any] = msgspec.to_builtins(event.data)
    by: tuple[str | None, str | None, str | None] = (event.by, event.name, event.role)
    question = event.data.question if isinstance(event.data, Merged) else event.data
    if isinstance(question, Question) and question.anonymous:
        (data["question"] if isinstance(event.data, Merged) else data)["author"] = None
        if question.author.id == event.by:
            by = (None, None, None)
    if isinstance(event.data, Member):
        del data["devices"]
        if event.data.via:
            data["person"] = data["name"] = None
    names = ("by", "name", "role")
    head = {"seq": event.seq, "at": event.at, "kind": event.kind, "act": event.act}
    return head | dict(zip(names, by, strict=True)) | {"data": data}


def line(event: Event) -> str:
    """The line of JSON Lines: compact, keys sorted, UTF-8, without the line feed."""
    return msgspec.json.encode(record(event), order="sorted").decode()


def csv_row(event: Event) -> str:
    """The row of CSV (RFC 4180); `data` is JSON. Texts that a spreadsheet would take for a formula get an apostrophe."""
    fields = record(event)
    data = fields["data"]
    fields["id"] = data.get("id") or data.get("question") or data.get("poll") or data.get("product") or data.get("draw")
    if isinstance(fields["id"], dict):
        fields["id"] = fields["id"]["id"]
    fields["data"] = msgspec.json.encode(data, order="sorted").decode()
    return _row([_harmless(fields[name]) for name in COLUMNS])


def csv_head() -> str:
    """The first row."""
    return _row(list(COLUMNS))


class LogHash:
    """The running hash: `sha256(previous hex + line)`, hex, from 64 zeros on.

    Attributes:
        seq: the last event in it.
        sha256: hex.
    """

    STEP: ClassVar[int] = 100
    """Events to take in at once: some milliseconds."""

    def __init__(self) -> None:
        self.seq = 0
        self.sha256 = "0" * 64

    def add(self, event: Event) -> None:
        """Take the next event in.

        Raises:
            ValueError: it is not the next.
        """
        if event.seq != self.seq + 1:
            raise ValueError(f"event {event.seq} cannot follow event {self.seq}")
        self.seq = event.seq
        self.sha256 = hashlib.sha256((self.sha256 + line(event)).encode()).hexdigest()


def _row(values: list[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue()


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
