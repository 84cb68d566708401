"""The order of the queue. `docs/order.md` explains it to those whose questions wait."""

import math
from collections.abc import Callable

from qa_queue.moderation.model import Order
from qa_queue.questions.model import Question
from qa_queue.state import State

MINUTE_MS = 60_000


def ordered(state: State, now_ms: int) -> list[str]:
    """Ids of the queued questions in the session's order; who moderators gave a place has it.

    Equal scores go by age, so the order is the same for everybody.
    """
    queued = [q for q in state.all(Question) if q.state == "queued" and not q.deleted]
    score = _SCORES[state.settings.order]
    queued.sort(key=lambda q: (-score(q, state.votes(q.id), now_ms), q.asked_at, int(q.id[1:])))
    line = [q.id for q in queued if q.place is None]
    for q in sorted((q for q in queued if q.place is not None), key=lambda q: (q.place, q.asked_at, q.id)):
        line.insert((q.place or 1) - 1, q.id)
    return line


def popular(_: Question, votes: int, now_ms: int) -> float:
    """By votes."""
    return votes


def newest(question: Question, _: int, now_ms: int) -> float:
    """By age, the youngest first."""
    return question.asked_at


def rising(question: Question, votes: int, now_ms: int) -> float:
    """Votes by age: `votes / (minutes + 2) ** 1.5`."""
    return votes / math.pow(_minutes(question, now_ms) + 2, 1.5)


def fair(question: Question, votes: int, now_ms: int) -> float:
    """`log2(1 + votes) + min(minutes / 5, 4) + 1.5 if first + 0.5 * tier`.

    Twice the votes count as much as five minutes of waiting, which count for twenty minutes at most.
    """
    waiting = min(_minutes(question, now_ms) / 5, 4.0)
    return math.log2(1 + votes) + waiting + (1.5 if question.first else 0.0) + 0.5 * question.tier


def _minutes(question: Question, now_ms: int) -> float:
    return max(0, now_ms - question.asked_at) / MINUTE_MS


_SCORES: dict[Order, Callable[[Question, int, int], float]] = {
    "popular": popular,
    "newest": newest,
    "rising": rising,
    "fair": fair,
}
