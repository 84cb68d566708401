"""What `/metrics` says (Prometheus text format)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeHistogramMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from server.join_times import JoinTimes

REASONS = ("closed", "connect_timeout", "dtls_failed", "join_missing", "left", "lost", "wrong_fingerprint")
"""Why a media connection ends; all are shown from the start, so that rates can be told of the first."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


LINKS = {
    "estimate_bps": (
        "Viewers by what their links are believed to carry, bit/s",
        (1e5, 2e5, 4e5, 8e5, 1.6e6, 3.2e6, 6.4e6),
    ),
    "queue_ms": ("Viewers by what waits in their links' queues, ms", (10.0, 20.0, 40.0, 80.0, 160.0, 320.0)),
    "rtt_ms": ("Viewers by their round trip, ms", (20.0, 50.0, 100.0, 200.0, 400.0, 800.0)),
    "loss": ("Viewers by the share of packets that their links lose", (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)),
}
"""Of viewers' links: text and upper bounds of the buckets, by name."""

Links = Callable[[], dict[str, npt.NDArray[np.float64]]]


class Sized(Protocol):
    """Something that can be counted."""

    def __len__(self) -> int: ...


class Metrics:
    """The counters of one node, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sockets = Gauge("livetrial_sockets", "WebSockets open", registry=self.registry)
        self.joins = Counter("livetrial_joins", "Joins by result", ["result"], registry=self.registry)
        self.commands = Counter(
            "livetrial_commands",
            "Messages after the join by type and result",
            ["type", "result"],
            registry=self.registry,
        )
        self.events = Counter("livetrial_events", "Events of the logs, by kind", ["kind"], registry=self.registry)
        self.closes = Counter(
            "livetrial_socket_closes", "WebSockets closed by us, by code", ["code"], registry=self.registry
        )

        self.tickets_refused = Counter(
            "livetrial_tickets_refused",
            "Tickets of join messages that were refused, by reason; the page then joins without",
            ["reason"],
            registry=self.registry,
        )
        self.join_times = JoinTimes(self.registry)
        self._of_commands: dict[tuple[str, str], Counter] = {}

    def command(self, kind: str, result: str) -> None:
        """Count a message. Both labels are from short lists."""
        counter = self._of_commands.get((kind, result))
        if counter is None:
            counter = self._of_commands[kind, result] = self.commands.labels(kind, result)
        counter.inc()

    def watch(self, name: str, text: str, things: Sized) -> None:
        """Publish how many there are of something, counted when asked."""
        Gauge(name, text, registry=self.registry).set_function(lambda: len(things))

    def watch_plane(self, stats: Callable[[], dict[str, int]], gauges: frozenset[str]) -> None:
        """Publish the forwarding plane's numbers; those named in `gauges` go down too."""
        self.registry.register(_PlaneCollector(stats, gauges))

    def watch_endings(self, endings: Mapping[str, int]) -> None:
        """Publish why media connections ended."""
        self.registry.register(_EndingsCollector(endings))

    def watch_quality(self, viewers: Callable[[], dict[str, int]]) -> None:
        """Publish how many viewers get which quality."""
        self.registry.register(_QualityCollector(viewers))

    def watch_links(self, links: Links) -> None:
        """Publish how viewers' links are now, as histograms with a viewer a sample."""
        self.registry.register(_LinksCollector(links))

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self.registry)


class _PlaneCollector(Collector):
    def __init__(self, stats: Callable[[], dict[str, int]], gauges: frozenset[str]) -> None:
        self._stats = stats
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        for name, value in self._stats().items():
            family = GaugeMetricFamily if name in self._gauges else CounterMetricFamily
            metric = family(f"livetrial_plane_{name}", f"Forwarding plane: {name.replace('_', ' ')}")
            metric.add_metric([], value)
            yield metric

    def describe(self) -> Iterable[Metric]:
        # Nothing, so that registering does not ask the plane.
        return []


class _EndingsCollector(Collector):
    def __init__(self, endings: Mapping[str, int]) -> None:
        self._endings = endings

    def collect(self) -> Iterable[Metric]:
        text = "Media connections that ended, by reason; `closed` is by us, all but `left` and `lost` are refusals"
        metric = CounterMetricFamily("livetrial_peers_ended", text, labels=["reason"])
        for reason in REASONS:
            metric.add_metric([reason], self._endings.get(reason, 0))
        yield metric

    def describe(self) -> Iterable[Metric]:
        return []


class _QualityCollector(Collector):
    def __init__(self, viewers: Callable[[], dict[str, int]]) -> None:
        self._viewers = viewers

    def collect(self) -> Iterable[Metric]:
        text = "Viewers who get all that they wish, less of it, or sound alone, by what their links bear"
        metric = GaugeMetricFamily("livetrial_viewers", text, labels=["quality"])
        for quality, viewers in self._viewers().items():
            metric.add_metric([quality], viewers)
        yield metric

    def describe(self) -> Iterable[Metric]:
        return []


class _LinksCollector(Collector):
    def __init__(self, links: Links) -> None:
        self._links = links

    def collect(self) -> Iterable[Metric]:
        for name, values in self._links().items():
            text, bounds = LINKS[name]
            counts = np.searchsorted(np.sort(values), [*bounds, np.inf], side="right").tolist()
            buckets = [(str(bound), count) for bound, count in zip([*bounds, "+Inf"], counts, strict=True)]
            metric = GaugeHistogramMetricFamily(f"livetrial_viewer_{name}", text)
            metric.add_metric([], buckets, gsum_value=float(values.sum()))
            yield metric

    def describe(self) -> Iterable[Metric]:
        return []
