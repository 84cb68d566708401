"""What levels take and mean, from what the plane counts of encodings and their layers."""

import numpy as np
import pytest

from media.layer_rates import NOMINAL_BPS, Bound, LayerRates
from media.policy import LEVELS, NOTHING, level_of

FOREVER_S = 30


def encoding(second: float, layers: list[list[int]], *, active: int = 1) -> dict[str, object]:
    """An encoding of which each layer has brought so many bit/s for so long."""
    octets = np.zeros((4, 4), np.int64)
    octets[: len(layers), : len(layers[0])] = np.array(layers) * second / 8
    shape = {"spatial_layers": len(layers), "temporal_layers": len(layers[0])} if active else {}
    return {"active": active, "layer_bytes": octets.tolist(), "spatial_layers": 0, "temporal_layers": 0, **shape}


def measured(*encodings: list[list[int]] | None) -> LayerRates:
    """Rates after a long time; None: an encoding that never came."""
    rates = LayerRates()
    for tenth in range(FOREVER_S * 10):
        stats = [encoding(tenth / 10, layers or [[0]], active=int(layers is not None)) for layers in encodings]
        rates.measure(stats, tenth / 10)  # type: ignore[arg-type]
    return rates


def test_what_has_not_been_seen_is_taken_to_need_what_the_page_asks_of_its_encoder() -> None:
    rates = LayerRates().levels()
    assert rates[level_of(0)] == NOMINAL_BPS[0]
    assert rates[level_of(2)] == rates[level_of(2) - 1] == NOMINAL_BPS[2]


def test_encodings_in_temporal_layers() -> None:
    rates = measured([[60_000, 30_000, 60_000]], [[200_000, 100_000, 200_000]])
    expected = [60_000, 90_000, 150_000, 300_000, 500_000]
    assert rates.levels()[:5] == pytest.approx(expected, rel=0.01)
    assert np.isinf(rates.levels()[5:]).all()
    assert rates.top == level_of(1)
    bounds = [rates.bound(level) for level in range(5)]
    assert bounds == [Bound(0, None, 0), Bound(0, None, 1), Bound(0), Bound(1, None, 1), Bound(1)]
    assert rates.bound(NOTHING) == Bound(-1)


def test_an_encoding_that_nobody_watches_is_taken_to_be_layered_as_those_that_come() -> None:
    rates = measured([[60_000, 30_000, 60_000]], None, None)
    assert rates.levels()[level_of(2) - 1] == pytest.approx(0.6 * NOMINAL_BPS[2], rel=0.01)
    assert rates.bound(level_of(2) - 1) == Bound(2, None, 1)


def test_spatial_layers_of_one_encoding_are_its_sizes_and_need_what_is_below() -> None:
    rates = measured([[50_000, 50_000], [100_000, 100_000], [300_000, 300_000]])
    assert rates.levels()[: level_of(2) + 1] == pytest.approx([50_000, 50_000, 1e5, 1.5e5, 3e5, 4.5e5, 9e5], rel=0.01)
    assert rates.top == level_of(2)
    assert rates.bound(level_of(1)) == Bound(0, 1, None)
    assert rates.bound(level_of(2) - 1) == Bound(0, None, 0)


def test_a_keyframe_does_not_look_like_a_larger_picture() -> None:
    rates = measured([[150_000]], [[500_000]], [[1_700_000]])
    spike = [encoding(FOREVER_S, [[bps]]) for bps in (150_000, 500_000, 1_700_000)]
    spike[2]["layer_bytes"][0][0] += 60_000  # type: ignore[index]
    rates.measure(spike, FOREVER_S)  # type: ignore[arg-type]
    assert rates.levels()[level_of(2)] < 1.08 * 1_700_000


def test_a_pause_changes_nothing_and_layers_that_come_change_what_levels_mean() -> None:
    rates = measured([[150_000]], [[500_000]])
    before = rates.levels()
    stats = [encoding(FOREVER_S, [[bps]], active=0) for bps in (150_000, 500_000)]
    assert not rates.measure(stats, FOREVER_S + 10)  # type: ignore[arg-type]
    assert (rates.levels() == before).all()
    assert rates.measure([encoding(FOREVER_S + 11, [[60_000, 90_000]]), stats[1]], FOREVER_S + 11)  # type: ignore[arg-type]
    assert len(before) == LEVELS
