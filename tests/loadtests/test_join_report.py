"""What the join bench makes of packet logs and of what pages tell."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from loadtests.join.report import Cell, by_browser, headline, merged
from loadtests.join.trips import Trip, trip
from loadtests.link.packet_log import RECORD, Fate, Kind, Way

DELAY_MS = 100
TAP_MS = 1000

Packet = tuple[float, Way, Kind, int, Fate]


def log(*packets: Packet) -> NDArray[np.void]:
    """Packets by ms since the tap, each on its way for `DELAY_MS`."""
    records = np.zeros(len(packets), RECORD)
    for record, (at, way, kind, detail, fate) in zip(records, packets, strict=True):
        record["arrived"] = (TAP_MS + at) * 1e6
        record["out"] = (TAP_MS + at + DELAY_MS) * 1e6 if fate == Fate.DELIVERED else 0
        record["way"], record["kind"], record["detail"], record["fate"] = way, kind, detail, fate
    return records


def up(at: float, kind: Kind, detail: int = 0, fate: Fate = Fate.DELIVERED) -> Packet:
    return at, Way.UP, kind, detail, fate


def down(at: float, kind: Kind, detail: int = 0, fate: Fate = Fate.DELIVERED) -> Packet:
    return at, Way.DOWN, kind, detail, fate


TICKET = (
    down(-50, Kind.RTP, 111),  # of before the tap
    up(5, Kind.STUN),
    up(6, Kind.TCP_DATA),
    down(107, Kind.STUN, 2),
    down(108, Kind.DTLS, 1),
    up(215, Kind.DTLS, 2),
    down(320, Kind.DTLS, 11),
    down(328, Kind.RTP, 96),
)


def told(records: NDArray[np.void], shown: float) -> Trip | None:
    return trip(records, int(TAP_MS * 1e6), int((TAP_MS + shown) * 1e6))


def test_each_answer_that_is_waited_for_is_a_crossing() -> None:
    order = ["up check", "up message", "down check answered", "down ClientHello", "up ServerHello", "down certificate"]
    assert told(log(*TICKET), 440) == Trip(4, [*order, "down media"])
    # What was on its way when the picture was shown had no part in it, and neither have acknowledgements.
    later = (up(429, Kind.DTLS, 235), up(207, Kind.TCP_ACK), down(308, Kind.TCP_ACK), down(530, Kind.RTP, 96))
    assert told(log(*TICKET, *later), 440) == Trip(4, [*order, "down media", "up finished"])


def test_what_the_link_took_in_at_once_has_the_order_of_the_log() -> None:
    records = log(up(5, Kind.STUN), down(320, Kind.DTLS, 11), down(320, Kind.RTP, 96))
    records["octets"] = 100, 900, 200
    assert told(records, 440) == Trip(2, ["up check", "down certificate", "down media"])


def test_what_is_lost_is_no_cause_and_is_counted() -> None:
    found = told(log(up(5, Kind.STUN, 0, Fate.LOST), up(55, Kind.STUN), down(156, Kind.STUN, 2)), 300)
    assert found == Trip(2, ["up check", "down check answered"], lost=1)


@pytest.mark.parametrize("records", [log(), log(down(5, Kind.RTP)), log(up(5, Kind.STUN))])
def test_a_log_without_the_join_tells_nothing(records: NDArray[np.void]) -> None:
    assert told(records, 90) is None


def cell(browser: str, mode: str, *joins: dict[str, Any]) -> Cell:
    return Cell.of(browser, mode, 100.0, 0.0, joins, None)


def test_a_join_that_failed_or_went_another_way_is_counted_apart() -> None:
    good = {"first_shown": 240.0, "path": "ticket", "trip": Trip(4, ["up check"])}
    found = cell(
        "chromium", "ticket", good, {"failed": "the browser broke"}, {"first_shown": 900.0, "path": "ordinary"}
    )
    assert (found.joins, found.failed, found.fallback) == (1, ["the browser broke"], [900.0])
    assert (found.p95_ms, found.crossings, found.orders) == (240.0, [4], [["up check"]])


def test_a_run_renews_its_part_of_what_was_kept(tmp_path: Path) -> None:
    kept = tmp_path / "deeper" / "joins.json"

    def shown(browser: str, mode: str, ms: float) -> Cell:
        return cell(browser, mode, {"first_shown": ms, "path": {"warm": "switch"}.get(mode, mode)})

    merged(
        kept, [shown("chromium", "ticket", 250.0), shown("firefox", "ticket", 240.0), shown("chromium", "warm", 150.0)]
    )
    cells = merged(kept, [shown("chromium", "warm", 130.0)])
    assert headline(cells) == {"ticket": {"100": 250.0}, "warm": {"100": 130.0}}
    assert by_browser(cells)["firefox"] == {"ticket": {"100": 240.0}}
    assert merged(None, cells[:1]) == cells[:1]
