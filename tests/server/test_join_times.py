"""What is said of joins."""

import math

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from server.join_times import JoinTimes, quantile, rows, table
from signaling.messages import JoinReport, JoinStages


def test_a_table_of_what_pages_and_node_tell() -> None:
    registry = CollectorRegistry()
    times = JoinTimes(registry)
    for _ in range(10):
        times.served("ticket", 0.01)
        times.reported(JoinReport(path="ticket", stages=JoinStages(ice=30, first_shown=220.5)))
    times.reported(JoinReport(path="ordinary", stages=JoinStages(first_shown=60_000)))
    found = rows(generate_latest(registry).decode())
    assert [(row.path, row.stage, row.count) for row in found] == [
        ("ordinary", "first_shown", 1),
        ("ticket", "server", 10),
        ("ticket", "ice", 10),
        ("ticket", "first_shown", 10),
    ]
    assert math.isinf(found[0].p95_ms), "beyond the last bucket"
    assert 200 <= found[3].p50_ms <= found[3].p95_ms <= 250
    assert len(table(found).splitlines()) == 5


@pytest.mark.parametrize(("share", "expected"), [(0.5, 20.0), (0.95, 38.0), (1.0, 40.0)])
def test_a_quantile_lies_within_its_bucket(share: float, expected: float) -> None:
    assert quantile([(0.02, 5.0), (0.04, 10.0), (math.inf, 10.0)], share) == pytest.approx(expected)


def test_without_joins_there_is_no_table() -> None:
    assert rows(generate_latest(CollectorRegistry()).decode()) == []
