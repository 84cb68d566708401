"""What the bench of weak networks writes down of the plane: as often as it says, and each change at once."""

import io
import json

import numpy as np
import pytest

from loadtests.weak.sampled_server import COUNTERS, EVERY_S, Sampler

MS = 1_000_000
ROW = np.dtype(
    [
        ("sink", "u4"),
        ("source", "u4"),
        ("encoding", "i4"),
        ("spatial", "u1"),
        ("temporal", "u1"),
        ("bytes", "u8"),
        ("rtt_ms", "f4"),
    ]
)


def written(*looks: tuple[int, list[tuple[object, ...]]]) -> list[dict[str, object]]:
    """What is written of looks at so many ms; rows as in `ROW`."""
    out = io.StringIO()
    sampler = Sampler(out)
    for ms, rows in looks:
        sampler.look(ms * MS, np.array(rows, ROW), lambda: dict.fromkeys((*COUNTERS, "other"), 4))
    return [json.loads(line) for line in out.getvalue().splitlines()]


def times(*looks: tuple[int, list[tuple[object, ...]]]) -> list[float]:
    return [sample["t"] / MS for sample in written(*looks) if isinstance(sample["t"], int)]


def shows(encoding: int = 1, temporal: int = 2, *, octets: int = 0) -> tuple[object, ...]:
    return (3, 7, encoding, 0, temporal, octets, 50.0)


def test_while_nothing_else_is_shown_samples_come_evenly_and_what_is_counted_brings_none() -> None:
    every_ms = round(EVERY_S * 1e3)
    assert times(*((ms, [shows(octets=ms)]) for ms in range(0, 3 * every_ms + 1, 10))) == [
        0,
        every_ms,
        2 * every_ms,
        3 * every_ms,
    ]


@pytest.mark.parametrize("other", [[shows(encoding=0)], [shows(temporal=1)], [], [shows(), (4, 7, 1, 0, 2, 0, 50.0)]])
def test_a_change_of_what_is_shown_is_noted_when_it_is_seen_and_once(other: list[tuple[object, ...]]) -> None:
    looks = [(0, [shows()]), (10, [shows()]), (20, other), (30, other), (60, other), (70, other)]
    assert times(*looks) == [0, 20, 70]


def test_a_sample_has_the_sinks_that_show_something_and_the_counters_that_tell_why() -> None:
    nothing = (4, 0, -1, 0, 0, 0, np.nan)
    [sample] = written((5, [(3, 7, 1, 0, 2, 99, np.nan), nothing]))
    row = {"sink": 3, "source": 7, "encoding": 1, "spatial": 0, "temporal": 2, "bytes": 99, "rtt_ms": None}
    assert sample == {"t": 5 * MS, "rows": [row], "counters": dict.fromkeys(COUNTERS, 4)}
