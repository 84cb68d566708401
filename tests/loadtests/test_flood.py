"""The flood, small: whatever it costs, our code loses nothing of the session."""

import pytest

from loadtests import flood


@pytest.mark.parametrize("kind", ["stranger", "member"])
def test_a_flood_costs_the_session_nothing_but_what_the_kernel_drops(kind: str) -> None:
    row = flood.run(kind, rate=30_000, seconds=1.5, subscribers=2)
    assert row.flood_sent > 10_000
    assert row.session_sent > 100
    assert row.unaccounted == 0
    assert row.session_lost_in_plane == 0
    assert row.session_lost_in_kernel <= row.kernel_drops
