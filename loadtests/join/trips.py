"""How often a join crosses the link, and in which order, from the link's packet log: what a clock cannot blur.

A packet that is sent after another one has arrived from the far end may be an answer to it. The longest such chain from the
first packet after the tap is the number of crossings, two to a round trip: with a delay that is long beside all computing, each
answer that a join really waits for adds one, and nothing else does.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loadtests.link.packet_log import MAGIC, RECORD, Fate, Kind, Way

STUN_NAMES = {0: "check", 2: "check answered"}
DTLS_NAMES = {1: "ClientHello", 2: "ServerHello", 11: "certificate", 235: "finished"}
"""By the log's detail: the first handshake message in a datagram; 235 is ChangeCipherSpec, which goes before Finished."""

CLOCK_MS = 2
"""Browsers round their clocks to a millisecond."""


@dataclass(frozen=True)
class Trip:
    """One join on the link.

    Attributes:
        crossings: of the longest chain of packets that ended before the picture was shown.
        order: what happened for the first time, in the order in which it was sent: `up join`, `down check answered`, …
        lost: packets that the link dropped meanwhile.
    """

    crossings: int
    order: list[str] = field(default_factory=list)
    lost: int = 0


class LogTail:
    """The records of a log that grows, from one reading to the next."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, len(MAGIC)

    def read(self) -> NDArray[np.void]:
        """What came since the last call."""
        with self._path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        whole = len(data) // RECORD.itemsize * RECORD.itemsize
        self._at += whole
        return np.frombuffer(data[:whole], RECORD)


def monotonic_ns(wall_ms: float) -> int:
    """A browser's time (ms since 1970) on the clock of the log."""
    return int(wall_ms * 1e6) - (time.time_ns() - time.monotonic_ns())


def trip(records: NDArray[np.void], tap_ns: int, shown_ns: int) -> Trip | None:
    """What happened between tap and picture; None where the log has nothing of it."""
    told = np.isin(records["kind"], (Kind.STUN, Kind.DTLS, Kind.RTP, Kind.TCP_OPEN, Kind.TCP_DATA))
    since = records[told & (records["arrived"] >= tap_ns - CLOCK_MS * 10**6) & (records["arrived"] <= shown_ns)]
    lost = int(np.count_nonzero(np.isin(since["fate"], (Fate.LOST, Fate.OUTAGE, Fate.QUEUE_FULL))))
    since = since[np.isin(since["fate"], (Fate.DELIVERED, Fate.DUPLICATE))]
    # What the link took in with one look has one time: of these the log has the order.
    since = since[np.argsort(since["arrived"], kind="stable")]
    first_up = np.flatnonzero(since["way"] == Way.UP)
    if not len(first_up):
        return None
    since = since[first_up[0] :]
    arrived_in_time = since[since["out"] <= shown_ns]
    if not len(arrived_in_time):
        return None
    depths = _depths(since)
    return Trip(int(depths[since["out"] <= shown_ns].max()), _order(since), lost)


def _depths(records: NDArray[np.void]) -> NDArray[np.int64]:
    """The length of the longest chain that ends with each packet; 0 for what is an answer to nothing that is of the join."""
    depths = np.zeros(len(records), np.int64)
    for index, record in enumerate(records):
        before = (records["way"] != record["way"]) & (records["out"] <= record["arrived"])
        before[index:] = False
        longest = int(depths[before].max(initial=0))
        depths[index] = longest + 1 if longest or record["way"] == Way.UP else 0
    return depths


def _order(records: NDArray[np.void]) -> list[str]:
    return list(dict.fromkeys(name for record in records if (name := _name(record))))


def _name(record: np.void) -> str | None:
    way = "up" if record["way"] == Way.UP else "down"
    match record["kind"]:
        case Kind.STUN:
            name = STUN_NAMES.get(int(record["detail"]))
        case Kind.DTLS:
            name = DTLS_NAMES.get(int(record["detail"]))
        case Kind.RTP:
            name = "media" if way == "down" else None
        case Kind.TCP_DATA:
            name = "message"
        case _:
            name = None
    return name and f"{way} {name}"
