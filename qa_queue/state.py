"""The state of a session's queue: a pure function of its log.

The scripts keep the same state in Redis; tests hold the two together.
"""

from typing import Any

import msgspec

from qa_queue.events import Answered, Answering, Asked, Event, Voted
from qa_queue.model import Person, Question, QuestionState


class State(msgspec.Struct, frozen=True):
    """The queue after event `seq` of the log.

    `questions`: by id, in the order in which they were asked; not to be changed in place.
    `answering`: the question being answered, None for none; it alone has the state "answering".
    """

    seq: int = 0
    questions: dict[str, Question] = msgspec.field(default_factory=dict)
    answering: str | None = None

    def apply(self, event: Event) -> "State":
        """The state after `event`.

        Raises:
            ValueError: `event` is not the one after `seq`.
        """
        if event.seq != self.seq + 1:
            raise ValueError(f"event {event.seq} cannot follow event {self.seq}")
        questions, answering = self.questions.copy(), self.answering
        match event:
            case Asked():
                questions[event.question.id] = event.question
            case Voted():
                _change(questions, event.question, votes=event.votes)
            case Answering():
                if answering is not None:
                    _change(questions, answering, state="queued")
                if event.question is not None:
                    _change(questions, event.question, state="answering")
                answering = event.question
            case Answered():
                _change(questions, event.question, state="answered")
                if answering == event.question:
                    answering = None
        return State(event.seq, questions, answering)


class _Stored(msgspec.Struct, frozen=True):
    """A question as the scripts keep it: what never changes."""

    text: str
    author: Person
    asked_at: int


def state_of_snapshot(reply: list[Any]) -> State:
    """Read what `snapshot.lua` returns, without its last element."""
    seq, questions, votes, answered, answering = reply
    counts, closed = _pairs(votes), frozenset(answered)

    def question(qid: str, raw: str) -> Question:
        stored = msgspec.json.decode(raw, type=_Stored)
        state: QuestionState = "answered" if qid in closed else "answering" if qid == answering else "queued"
        return Question(qid, stored.text, stored.author, int(counts[qid]), state, stored.asked_at)

    by_age = sorted(_pairs(questions).items(), key=lambda item: int(item[0][1:]))  # ids are q<seq>
    return State(seq, {qid: question(qid, raw) for qid, raw in by_age}, answering or None)


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _change(questions: dict[str, Question], qid: str, **changes: Any) -> None:
    questions[qid] = msgspec.structs.replace(questions[qid], **changes)
