"""What is told about joins."""

import json
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

STAGES = ["offer", "answer", "joined", "ice", "dtls", "first_packet", "first_decoded", "first_shown"]

PATHS = {"ticket": "ticket", "ordinary": "ordinary", "warm": "switch"}
"""What the client calls each way of joining in its report."""


@dataclass(frozen=True)
class Cell:
    """Joins of one kind over one link.

    Attributes:
        joins: how many showed a picture; only these are in the figures.
        fallback: ms to the first frame of those that got it another way than theirs: a ticket that was no good, a new connection.
        failed: reasons of those that showed none.
        p50_ms, p95_ms: from tap to first frame shown; None where there were none.
        stages: medians in ms since the tap; a stage that was over before the tap, or that the browser does not tell, is left out.
        crossings: how often each join crossed the link until its picture was shown, two to a round trip (`trips.py`).
        orders: the orders of events on the link that were seen, the most frequent first.
        lacking: why this way of joining could not be measured.
    """

    browser: str
    mode: str
    r_ms: float
    loss: float
    joins: int
    fallback: list[float]
    failed: list[str]
    p50_ms: float | None
    p95_ms: float | None
    stages: dict[str, float]
    crossings: list[int]
    orders: list[list[str]]
    lacking: str | None

    @classmethod
    def of(
        cls, browser: str, mode: str, r_ms: float, loss: float, joins: Sequence[dict[str, Any]], lacking: str | None
    ) -> Self:
        """Sum up what the page told."""
        pictures = [join for join in joins if "first_shown" in join]
        good = [join for join in pictures if join.get("path") == PATHS.get(mode)]
        shown = sorted(join["first_shown"] for join in good)
        stages = {
            stage: round(statistics.median(values), 1)
            for stage in STAGES
            if (values := [join[stage] for join in good if stage in join])
        }
        trips = [join["trip"] for join in good if join.get("trip")]
        orders = Counter(tuple(trip.order) for trip in trips)
        return cls(
            browser=browser,
            mode=mode,
            r_ms=r_ms,
            loss=loss,
            joins=len(good),
            fallback=[round(join["first_shown"], 1) for join in pictures if join not in good],
            failed=[str(join.get("failed")) for join in joins if "first_shown" not in join],
            p50_ms=_quantile(shown, 0.5),
            p95_ms=_quantile(shown, 0.95),
            stages=stages,
            crossings=[trip.crossings for trip in trips],
            orders=[list(order) for order, _ in orders.most_common()],
            lacking=lacking,
        )

    @property
    def key(self) -> tuple[str, str, float, float]:
        """Which of all kinds it is."""
        return self.browser, self.mode, self.r_ms, self.loss

    def to_json(self) -> dict[str, Any]:
        """For the last line."""
        return asdict(self)


def line(cell: Cell) -> str:
    """A row of the table."""
    head = f"{cell.browser:>8}  R {cell.r_ms:>3.0f} ms  loss {cell.loss:>3.0%}  {cell.mode:<8}"
    if cell.lacking:
        return f"{head}  not measured: {cell.lacking}"
    fallback = f"  FALLBACK {len(cell.fallback)}" if cell.fallback else ""
    if cell.p50_ms is None:
        return f"{head}  no picture: {cell.failed[:1]}{fallback}"
    in_r = f"{cell.p95_ms / cell.r_ms:.1f} R" if cell.p95_ms else ""
    stages = " → ".join(f"{name} {ms:.0f}" for name, ms in cell.stages.items())
    crossed = f"  crossings {statistics.median_low(cell.crossings)}" if cell.crossings else ""
    failed = f"  FAILED {len(cell.failed)}" if cell.failed else ""
    return f"{head}  p50 {cell.p50_ms:>6.0f}  p95 {cell.p95_ms:>6.0f} ms  {in_r:>6}  n {cell.joins}{crossed}{failed}{fallback}  {stages}"


def headline(cells: Sequence[Cell]) -> dict[str, dict[str, float | None]]:
    """p95 by way of joining and round-trip time; the slower browser counts. With loss the key is `100+loss`."""
    told: dict[str, dict[str, float | None]] = {}
    for cell in cells:
        key = f"{cell.r_ms:.0f}" + ("+loss" if cell.loss else "")
        row = told.setdefault(cell.mode, {})
        known = [ms for ms in (row.get(key), cell.p95_ms) if ms is not None]
        row[key] = max(known) if known else None
    return told


def by_browser(cells: Sequence[Cell]) -> dict[str, dict[str, dict[str, float | None]]]:
    """The same for each browser by itself."""
    names = dict.fromkeys(cell.browser for cell in cells)
    return {name: headline([cell for cell in cells if cell.browser == name]) for name in names}


def merged(kept: Path | None, measured: Sequence[Cell]) -> list[Cell]:
    """What was measured, with what an earlier run left in `kept` and this one did not measure; all of it is kept."""
    if kept is None:
        return list(measured)
    earlier = [Cell(**fields) for fields in json.loads(kept.read_text())] if kept.exists() else []
    cells = {cell.key: cell for cell in (*earlier, *measured)}
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps([cell.to_json() for cell in cells.values()]))
    return list(cells.values())


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that `share` of all do not exceed."""
    return round(ordered[max(0, -int(-share * len(ordered) // 1) - 1)], 1) if ordered else None
