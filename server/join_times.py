"""How long joins take, stage by stage: what pages report, and what this node knows itself."""

from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.parser import text_string_to_metric_families

from signaling.messages import JoinReport

METRIC = "livetrial_join_stage_seconds"

BUCKETS_S = (0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)

STAGES = ("offer", "answer", "joined", "ice", "dtls", "first_packet", "first_decoded", "first_shown")
"""From the tap to each of these, as the page saw them; `server` is from the join message to `joined`, and `media`
from it (or from a ticket's first check, where that came first) to the first packet of media, as this node did."""


class JoinTimes:
    """Histograms by path (`ticket`, `ordinary`, `switch`) and stage."""

    def __init__(self, registry: CollectorRegistry) -> None:
        text = "From the tap to a stage of the join, as pages report it; `server`, `media`: from the message to its answer, and to media"
        self._stages = Histogram(METRIC, text, ["path", "stage"], buckets=BUCKETS_S, registry=registry)
        self._known: dict[tuple[str, str], Histogram] = {}

    def media_began(self, path: str, seconds: float) -> None:
        """The first packet left; from the join message, or from the ticket's first check where that came first."""
        self._stage(path, "media").observe(seconds)

    def served(self, path: str, seconds: float) -> None:
        """A join message was answered."""
        self._stage(path, "server").observe(seconds)

    def reported(self, report: JoinReport) -> None:
        """A page tells how its join went."""
        for stage in STAGES:
            milliseconds = getattr(report.stages, stage)
            if milliseconds is not None:
                self._stage(report.path, stage).observe(milliseconds / 1000)

    def _stage(self, path: str, stage: str) -> Histogram:
        """Kept, because finding one costs as much as counting in it. Both labels are from short lists."""
        histogram = self._known.get((path, stage))
        if histogram is None:
            histogram = self._known[path, stage] = self._stages.labels(path, stage)
        return histogram


@dataclass(frozen=True)
class Row:
    """A line of the table; the quantiles in ms, infinite beyond the last bucket."""

    path: str
    stage: str
    count: int
    p50_ms: float
    p95_ms: float


def rows(metrics: str) -> list[Row]:
    """What a node's `/metrics` say of joins, in the order of the stages."""
    buckets: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name == f"{METRIC}_bucket":
                key = sample.labels["path"], sample.labels["stage"]
                buckets.setdefault(key, []).append((float(sample.labels["le"]), sample.value))
    order = ("server", "media", *STAGES)
    return [
        Row(path, stage, int(counts[-1][1]), quantile(counts, 0.5), quantile(counts, 0.95))
        for (path, stage), counts in sorted(buckets.items(), key=lambda item: (item[0][0], order.index(item[0][1])))
    ]


def quantile(buckets: list[tuple[float, float]], share: float) -> float:
    """In ms, between the bounds of its bucket as if its values lay there evenly; `buckets` are (bound in s, count up to it)."""
    wanted = share * buckets[-1][1]
    below, count_below = 0.0, 0.0
    for bound, count in buckets:
        if count >= wanted and count > count_below:
            part = (wanted - count_below) / (count - count_below)
            return 1000 * (below + (bound - below) * part if bound != float("inf") else bound)
        below, count_below = bound, count
    return float("nan")


def table(found: Iterable[Row]) -> str:
    """The rows for people."""
    lines = [f"{'path':<10}{'stage':<16}{'joins':>8}{'p50 ms':>10}{'p95 ms':>10}"]
    lines += [f"{row.path:<10}{row.stage:<16}{row.count:>8}{row.p50_ms:>10.0f}{row.p95_ms:>10.0f}" for row in found]
    return "\n".join(lines)
