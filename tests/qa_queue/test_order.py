"""The order of the queue."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from qa_queue.model import Person
from qa_queue.moderation.model import Order, Settings
from qa_queue.questions.model import Question
from qa_queue.questions.order import ordered
from qa_queue.questions.similar import similar
from qa_queue.state import State

MINUTE_MS = 60_000
NOW_MS = 100 * MINUTE_MS


def question(n: int, *, minutes: float = 0.0, first: bool = False, place: int | None = None, tier: int = 0) -> Question:
    return Question(
        id=f"q{n}",
        text="?",
        author=Person("a", "A"),
        anonymous=False,
        state="queued",
        first=first,
        asked_at=int(NOW_MS - minutes * MINUTE_MS),
        place=place,
        tier=tier,
    )


def line(order: Order, *asked: tuple[Question, int]) -> list[str]:
    state = State()
    state.entities["settings"] = {"settings": Settings(order=order)}
    state.entities["question"] = {q.id: q for q, _ in asked}
    state.counts["votes"] = {q.id: votes for q, votes in asked}
    return ordered(state, NOW_MS)


def test_popular_and_newest() -> None:
    asked = (question(1, minutes=9), 1), (question(2, minutes=5), 7), (question(3, minutes=1), 3)
    assert line("popular", *asked) == ["q2", "q3", "q1"]
    assert line("newest", *asked) == ["q3", "q2", "q1"]


def test_rising_prefers_young_votes() -> None:
    assert line("rising", (question(1, minutes=60), 20), (question(2, minutes=2), 4)) == ["q2", "q1"]


def test_fair_lets_waiting_first_timers_and_tiers_ahead_of_a_few_votes() -> None:
    assert line("fair", (question(1), 3), (question(2, minutes=12), 0), (question(3), 0)) == ["q2", "q1", "q3"]
    assert line("fair", (question(1), 1), (question(2, first=True), 0)) == ["q2", "q1"]
    assert line("fair", (question(1), 0), (question(2, tier=2), 0)) == ["q2", "q1"]
    assert line("fair", (question(1, minutes=90), 0), (question(2), 31)) == ["q2", "q1"], "waiting counts only so much"


def test_moderators_override() -> None:
    asked = (question(1), 9), (question(2), 5), (question(3, place=1), 0), (question(4, place=3), 0)
    assert line("popular", *asked) == ["q3", "q1", "q4", "q2"]


def test_only_queued_questions_stand_in_line() -> None:
    answered = msgspec.structs.replace(question(1), state="answered")
    assert line("fair", (answered, 9), (question(2), 0)) == ["q2"]


@given(st.permutations(range(1, 8)), st.sampled_from(["popular", "newest", "rising", "fair"]))
def test_equal_scores_go_by_age_however_they_are_stored(numbers: list[int], order: Order) -> None:
    assert line(order, *((question(n), 0) for n in numbers)) == [f"q{n}" for n in range(1, 8)]


def test_duplicates_are_suggested_in_both_languages() -> None:
    others = [
        ("q1", "这个精华会不会刺激皮肤？"),
        ("q2", "精华多少钱一瓶？"),
        ("q3", "Does the serum irritate sensitive skin?"),
        ("q4", "How much does it cost?"),
    ]
    assert similar("这款精华刺激皮肤吗", others)[0][0] == "q1"
    assert similar("Will this serum irritate my skin?", others)[0][0] == "q3"
    assert similar("what does it cost", others)[0][0] == "q4"
    assert similar("请问主播在哪里", others) == []
    assert similar("", others) == similar("???", others) == []
