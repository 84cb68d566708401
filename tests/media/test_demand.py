"""Encodings are turned on at once, and off when nobody has watched them for a while."""

from hypothesis import given
from hypothesis import strategies as st

from media.demand import OFF_DELAY_S, Demand
from tests.media.timers import Timers


class Publisher:
    """Sends what it is told to; `arriving` follows at once unless its uplink carries no more than `carries` encodings."""

    def __init__(self, encodings: int = 3, carries: int = 3) -> None:
        self.carries = carries
        self.timers = Timers()
        self.told: list[list[int]] = []
        self.demand = Demand(encodings, self._tell, self.timers.later)
        self.arriving = [index < carries for index in range(encodings)]
        self.demand.settle(self.arriving)

    @property
    def sends(self) -> list[int]:
        return [index for index, arrives in enumerate(self.arriving) if arrives]

    def watch(self, encoding: int, watchers: int = 1) -> None:
        self.demand.watch(encoding, watchers)
        self.demand.settle(self.arriving)

    def _tell(self, encodings: list[int]) -> None:
        self.told.append(encodings)
        self.arriving = [index in encodings and index < self.carries for index in range(len(self.arriving))]


def test_without_viewers_the_lowest_stays() -> None:
    publisher = Publisher()
    publisher.timers.move(OFF_DELAY_S - 0.1)
    assert publisher.told == []
    publisher.timers.move(0.2)
    assert publisher.told == [[0]]


def test_on_at_once_with_what_is_below_until_it_arrives() -> None:
    publisher = Publisher()
    publisher.timers.move(OFF_DELAY_S)
    publisher.watch(2)
    assert publisher.told == [[0], [0, 1, 2]]
    publisher.demand.settle(publisher.arriving)
    publisher.timers.move(OFF_DELAY_S)
    assert publisher.told[2:] == [[2]]


def test_what_the_uplink_does_not_carry_leaves_what_is_below_it_on() -> None:
    publisher = Publisher(carries=2)
    publisher.watch(2)
    publisher.timers.move(10 * OFF_DELAY_S)
    assert (publisher.told, publisher.sends) == ([], [0, 1])


def test_a_viewer_who_comes_and_goes_changes_nothing() -> None:
    publisher = Publisher()
    publisher.watch(2)
    publisher.timers.move(OFF_DELAY_S)
    assert publisher.told == [[2]]
    for _ in range(5):
        publisher.watch(2, -1)
        publisher.timers.move(OFF_DELAY_S / 2)
        publisher.watch(2)
        publisher.timers.move(OFF_DELAY_S / 4)
    assert publisher.told == [[2], [0, 2]], "the lowest came in case nobody would watch"
    publisher.timers.move(OFF_DELAY_S)
    assert publisher.told[2:] == [[2]]


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
def test_what_is_watched_is_always_on_and_in_the_end_nothing_else(steps: list[tuple[int, bool, float]]) -> None:
    publisher, watching = Publisher(), [0, 0, 0]
    for encoding, comes, pause in steps:
        if not comes and not watching[encoding]:
            continue
        watching[encoding] += 1 if comes else -1
        publisher.watch(encoding, 1 if comes else -1)
        wanted = {index for index, count in enumerate(watching) if count} or {0}
        assert wanted <= set(publisher.sends)
        publisher.timers.move(pause)
        assert wanted <= set(publisher.sends)
    publisher.demand.settle(publisher.arriving)
    publisher.timers.move(OFF_DELAY_S)
    assert set(publisher.sends) == ({index for index, count in enumerate(watching) if count} or {0})
    assert all(before != after for before, after in zip(publisher.told, publisher.told[1:], strict=False))
