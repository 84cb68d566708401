"""Orders to the plane that leave together."""

import pytest

from media.link import _Gathering


class Plane:
    """Notes when it is to gather, and when to send."""

    def __init__(self) -> None:
        self.told: list[bool] = []

    def gather(self, on: bool) -> None:
        self.told.append(on)


def test_the_plane_gathers_until_the_outermost_is_left() -> None:
    plane = Plane()
    together = _Gathering(plane.gather)
    with together, together:
        assert plane.told == [True]
    assert plane.told == [True, False]


def test_what_was_ordered_before_a_failure_leaves_and_the_failure_is_not_hidden() -> None:
    plane = Plane()
    together = _Gathering(plane.gather)
    with pytest.raises(ValueError, match="on purpose"), together, together:
        raise ValueError("on purpose")
    assert plane.told == [True, False]
    with together:
        pass
    assert plane.told == [True, False, True, False]
