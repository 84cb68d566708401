"""From the words of the siblings to those of the wire."""

from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from media.views import SlotView
from qa_queue import events as queue_events
from qa_queue import model
from qa_queue.state import State
from signaling.messages import (
    AnsweredEvent,
    AnsweringEvent,
    AskedEvent,
    Event,
    Person,
    Question,
    Slot,
    Snapshot,
    Source,
    VotedEvent,
)


@dataclass(frozen=True)
class Entry:
    """An event of the log as it is sent.

    `public` is for everybody, but `own`, where it is not None, for the person `by` who acted.
    """

    seq: int
    kind: str
    by: str
    public: Event
    own: VotedEvent | None

    def seen_by(self, person: str) -> Event:
        """What this person is sent."""
        return self.own if self.own is not None and person == self.by else self.public


def to_entry(event: queue_events.Event) -> Entry:
    """An event of the queue. Who voted is told to nobody else."""
    seq, at = event.seq, event.at
    own: VotedEvent | None = None
    public: Event
    match event:
        case queue_events.Asked():
            public = AskedEvent(seq=seq, at=at, question=_to_question(event.question, voted=False))
        case queue_events.Voted():
            public = VotedEvent(seq=seq, at=at, question=event.question, votes=event.votes)
            own = msgspec.structs.replace(public, mine=event.voted)
        case queue_events.Answering():
            public = AnsweringEvent(seq=seq, at=at, question=event.question)
        case queue_events.Answered():
            public = AnsweredEvent(seq=seq, at=at, question=event.question)
    return Entry(seq, str(public.__struct_config__.tag), event.by, public, own)


def to_snapshot(state: State, voted: Collection[str]) -> Snapshot:
    """The whole state, as the person sees it who votes for `voted`."""
    questions = [_to_question(question, voted=question.id in voted) for question in state.questions.values()]
    return Snapshot(questions=questions, answering=state.answering)


def to_slots(views: list[SlotView]) -> list[Slot]:
    """What is shown where."""
    return [Slot(slot=view.slot, mid=view.mid, source=_to_source(view)) for view in views]


def _to_question(question: model.Question, *, voted: bool) -> Question:
    return Question(
        id=question.id,
        text=question.text,
        author=Person(question.author.id, question.author.name),
        votes=question.votes,
        state=question.state,
        asked_at=question.asked_at,
        voted=voted,
    )


def _to_source(view: SlotView) -> Source | None:
    source = view.source
    if source is None:
        return None
    return Source(publisher=source.publisher, name=source.name, kind=source.kind, publication=source.publication)
