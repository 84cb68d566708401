"""Encodings are turned on at once, with those below, and off when nobody has watched them or a better one for a while."""

from hypothesis import given
from hypothesis import strategies as st

from media.demand import OFF_DELAY_S, Demand
from tests.media.timers import Timers


class Publisher:
    """Sends what it is told to, all at first."""

    def __init__(self) -> None:
        self.timers = Timers()
        self.told: list[list[int]] = []
        self.demand = Demand(3, self.told.append, self.timers.later)
        self.demand.settle()

    @property
    def sends(self) -> list[int]:
        return self.told[-1] if self.told else [0, 1, 2]

    def watch(self, encoding: int, watchers: int = 1) -> None:
        self.demand.watch(encoding, watchers)
        self.demand.settle()


def test_without_viewers_the_lowest_stays() -> None:
    publisher = Publisher()
    publisher.timers.move(OFF_DELAY_S - 0.1)
    assert publisher.told == []
    publisher.timers.move(0.2)
    assert publisher.told == [[0]]


def test_on_at_once_and_what_is_below_stays_on() -> None:
    publisher = Publisher()
    publisher.timers.move(OFF_DELAY_S)
    publisher.watch(2)
    publisher.timers.move(10 * OFF_DELAY_S)
    assert publisher.told == [[0], [0, 1, 2]]


def test_what_is_better_than_what_anybody_watches_is_turned_off() -> None:
    publisher = Publisher()
    publisher.watch(2)
    publisher.watch(1)
    publisher.watch(2, -1)
    publisher.timers.move(OFF_DELAY_S)
    assert publisher.told == [[0, 1]]


def test_a_viewer_who_comes_and_goes_changes_nothing() -> None:
    publisher = Publisher()
    publisher.watch(2)
    publisher.timers.move(OFF_DELAY_S)
    for _ in range(5):
        publisher.watch(2, -1)
        publisher.timers.move(OFF_DELAY_S / 2)
        publisher.watch(2)
        publisher.timers.move(OFF_DELAY_S / 4)
    publisher.timers.move(OFF_DELAY_S)
    assert publisher.told == []


def test_two_that_are_left_are_turned_off_together() -> None:
    publisher = Publisher()
    publisher.watch(0)
    publisher.watch(1)
    publisher.watch(2)
    publisher.timers.move(OFF_DELAY_S)
    publisher.watch(1, -1)
    publisher.timers.move(OFF_DELAY_S / 2)
    publisher.watch(2, -1)
    publisher.timers.move(OFF_DELAY_S * 0.9)
    assert publisher.told == []
    publisher.timers.move(OFF_DELAY_S)
    assert publisher.told == [[0]]


def test_nothing_is_turned_off_after_the_end() -> None:
    publisher = Publisher()
    publisher.demand.close()
    publisher.timers.move(2 * OFF_DELAY_S)
    assert publisher.told == []


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.floats(0, 2 * OFF_DELAY_S)), max_size=60))
def test_what_is_watched_is_always_on_with_what_is_below_and_in_the_end_nothing_else(
    steps: list[tuple[int, bool, float]],
) -> None:
    publisher, watching = Publisher(), [0, 0, 0]

    def wanted() -> list[int]:
        return list(range(max((index for index, count in enumerate(watching) if count), default=0) + 1))

    for encoding, comes, pause in steps:
        if not comes and not watching[encoding]:
            continue
        watching[encoding] += 1 if comes else -1
        publisher.watch(encoding, 1 if comes else -1)
        assert set(wanted()) <= set(publisher.sends)
        publisher.timers.move(pause)
        assert set(wanted()) <= set(publisher.sends)
    publisher.timers.move(OFF_DELAY_S)
    assert publisher.sends == wanted()
    assert all(before != after for before, after in zip(publisher.told, publisher.told[1:], strict=False))
