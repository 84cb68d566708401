"""The table at the end, and the same as JSON."""

from typing import Any

import msgspec
from locust.stats import RequestStats, StatsEntry

from loadtests import reporter
from loadtests.totals import Totals

_ORDER = (
    reporter.JOIN,
    reporter.VOTE_ACKNOWLEDGED,
    reporter.VOTE_SEEN,
    reporter.QUESTION_ACKNOWLEDGED,
    reporter.QUESTION_SEEN,
    reporter.MEMBER_READY,
    reporter.MEMBER_STAYED,
    reporter.EVENT_LOG,
    reporter.VIEWER_CONNECTED,
    reporter.VIEWER_FIRST_PACKET,
    reporter.VIEWER_STAYED,
)


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line; times in milliseconds, None where none is measured."""

    what: str
    count: int
    failed: int | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    max_ms: float | None = None


class Report(msgspec.Struct, frozen=True):
    """What a run has shown. `errors` has a line for each kind of failure, `missing` for each acknowledged thing that is gone."""

    rows: list[Row]
    errors: list[str]
    missing: list[str]

    @property
    def failed(self) -> bool:
        """Whether anything went wrong."""
        return bool(self.errors or self.missing)

    def count(self, what: str) -> int:
        """Of a row; 0 without it."""
        return next((row.count for row in self.rows if row.what == what), 0)


def summarize(stats: RequestStats, totals: Totals, missing: list[str]) -> Report:
    """Make the report from locust's numbers and ours."""
    entries = {entry.name: entry for entry in stats.entries.values()}
    rows = [_row(entries[name]) for name in _ORDER if name in entries and name != reporter.EVENT_LOG]
    gaps = entries[reporter.EVENT_LOG].num_failures if reporter.EVENT_LOG in entries else 0
    rows += [
        Row("events received in order", totals.events - gaps, gaps),
        Row("media packets received", totals.packets),
        Row("media packets recovered", totals.recovered),
        Row("media packets lost", totals.lost),
    ]
    errors = [f"{error.occurrences} x {error.name}: {error.error}" for error in stats.errors.values()]
    return Report(rows, errors, missing)


def table(report: Report) -> str:
    """The rows as text."""
    lines = [f"{'':<26}{'count':>9}{'failed':>8}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}"]
    lines += [
        f"{row.what:<26}{row.count:>9}{_cell(row.failed):>8}{_cell(row.p50_ms):>9}{_cell(row.p95_ms):>9}{_cell(row.max_ms):>9}"
        for row in report.rows
    ]
    lines += [f"FAILED {error}" for error in report.errors]
    lines += [f"FAILED afterwards: {missing}" for missing in report.missing]
    return "\n".join(line.rstrip() for line in lines)


def _row(entry: StatsEntry) -> Row:
    timed = entry.num_requests > entry.num_none_requests
    return Row(
        what=entry.name,
        count=entry.num_requests - entry.num_failures,
        failed=entry.num_failures,
        p50_ms=entry.get_response_time_percentile(0.5) if timed else None,
        p95_ms=entry.get_response_time_percentile(0.95) if timed else None,
        max_ms=round(entry.max_response_time, 1) if timed else None,
    )


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:g}"
