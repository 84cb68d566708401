"""What was acknowledged, held against the log."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from qa_queue.events import Event
from qa_queue.questions.model import Question

ID_FIELDS = {"vote": "question", "unvote": "question", "poll_vote": "poll", "draw_enter": "draw"}
"""Where an event of a command names what it is about; the others are about the entity that they carry."""


@dataclass(frozen=True)
class Promise:
    """An acknowledgement: person, command, its text where it makes one, position and id."""

    person: str
    name: str
    text: str | None
    seq: int
    id: str | None


@dataclass
class Ledger:
    """The acknowledgements of one session. Each command is one that makes one event."""

    promises: list[Promise] = field(default_factory=list)

    def lost(self, events: list[Event]) -> list[Promise]:
        """Acknowledgements whose event is not in the log, oldest event first, or is another's."""
        by_seq = {event.seq: event for event in events}
        return [promise for promise in self.promises if not _kept(promise, by_seq.get(promise.seq))]

    def duplicated(self, events: Iterable[Event]) -> int:
        """Events beyond one for each acknowledgement; to be asked when nothing is left unacknowledged."""
        promised = Counter((promise.person, promise.name) for promise in self.promises)
        people = {promise.person for promise in self.promises}
        acted = Counter((event.by, event.act) for event in events if event.by in people)
        twice = len(self.promises) - len({promise.seq for promise in self.promises})
        return twice + sum((acted - promised).values())


def _kept(promise: Promise, event: Event | None) -> bool:
    if event is None or (event.by, event.act) != (promise.person, promise.name):
        return False
    of = getattr(event.data, ID_FIELDS[promise.name]) if promise.name in ID_FIELDS else event.data.id
    text = event.data.text if promise.text is not None and isinstance(event.data, Question) else promise.text
    return bool(of == promise.id and text == promise.text)
