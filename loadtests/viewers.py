"""Members that watch, carried by a process of their own (`fleet.py`).

`locust -f loadtests/viewers.py --host http://localhost:8080` runs them by locust's own means, from the root of the checkout; name
both files, separated by a comma, to run members beside them. Session and token as in `members.py`.
"""

import contextlib
import itertools
import sys
from subprocess import PIPE, Popen
from typing import ClassVar

import gevent  # type: ignore[import-untyped]
import msgspec
from gevent.queue import Empty, Queue  # type: ignore[import-untyped]
from locust import User, task
from locust.exception import StopUser

from loadtests import reporter
from loadtests.fleet_messages import Connected, Ended, Failed, FirstPacket, Order, Report, Start, Stop
from loadtests.reporter import Reporter
from loadtests.target import PATIENCE_S, BadTarget, Target
from loadtests.totals import totals

_CHECK_S = 0.5
"""How often a user that only sits looks whether it is to stop."""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)


class Fleet:
    """The process that carries the viewers of one server, seen from here."""

    _running: ClassVar["dict[str, Fleet]"] = {}  # by URL

    @classmethod
    def of(cls, url: str) -> "Fleet":
        """The one that runs, or a new one."""
        fleet = cls._running.get(url)
        if fleet is None or fleet._process.poll() is not None:
            fleet = cls._running[url] = cls(url)
        return fleet

    def __init__(self, url: str) -> None:
        self._numbers = itertools.count(1)
        self._reports: dict[int, Queue] = {}
        # In a session of its own Ctrl-C does not reach it, and it can still say what its viewers received.
        self._process = Popen(
            [sys.executable, "-m", "loadtests.fleet", url], stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        gevent.spawn(self._read)

    def start(self) -> tuple[int, Queue]:
        """Let a viewer join; returns its number, and the queue of what is reported about it."""
        viewer = next(self._numbers)
        reports = self._reports[viewer] = Queue()
        self._order(Start(viewer))
        return viewer, reports

    def stop(self, viewer: int) -> None:
        """Let a viewer leave."""
        self._order(Stop(viewer))

    @classmethod
    def close_all(cls) -> None:
        """End all these processes; without it they end when this one does."""
        for fleet in cls._running.values():
            assert fleet._process.stdin is not None
            fleet._process.stdin.close()
            fleet._process.wait()
        cls._running.clear()

    def _order(self, order: Order) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # `_read` tells everybody
            self._process.stdin.write(_encoder.encode(order) + b"\n")
            self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            report = _decoder.decode(line)
            self._reports[report.viewer].put(report)
        for viewer, reports in self._reports.items():
            reports.put(Failed(viewer, "the process that carries the viewers has ended"))


class ViewerUser(User):
    """One viewer: comes in, then sits and watches."""

    def on_start(self) -> None:
        """Join, and wait for the first packet."""
        self._reporter = Reporter(self.environment, "viewer")
        self._inside = False
        try:
            Target.of(self.host or "")
        except BadTarget as error:
            self._reporter.failed(reporter.VIEWER_FIRST_PACKET, error)
            return
        self._fleet = Fleet.of(self.host or "")
        self._viewer, self._reports = self._fleet.start()
        self._inside = True
        self._take(self._next(3 * PATIENCE_S), reporter.VIEWER_FIRST_PACKET)
        if self._inside:
            self._take(self._next(2 * PATIENCE_S), reporter.VIEWER_FIRST_PACKET)

    @task
    def watch(self) -> None:
        """Sit, unless thrown out."""
        if not self._inside:
            raise StopUser
        with contextlib.suppress(Empty):
            self._take(self._reports.get(timeout=_CHECK_S), reporter.VIEWER_STAYED)

    def on_stop(self) -> None:
        """Leave, and tell what was received."""
        if self._inside:
            self._fleet.stop(self._viewer)
            self._take(self._next(PATIENCE_S), reporter.VIEWER_STAYED)

    def _next(self, timeout_s: float) -> Report:
        try:
            report: Report = self._reports.get(timeout=timeout_s)
        except Empty:
            return Failed(self._viewer, f"nothing was heard of it for {timeout_s:g} s")
        return report

    def _take(self, report: Report, awaited: str) -> None:
        """Pass a report on to locust; `awaited` is what fails if the viewer has failed."""
        match report:
            case Connected():
                self._reporter.done(reporter.VIEWER_CONNECTED, report.ms)
            case FirstPacket():
                self._reporter.done(reporter.VIEWER_FIRST_PACKET, report.ms)
            case Ended():
                self._inside = False
                self._add(report)
                self._reporter.done(reporter.VIEWER_STAYED, octets=report.octets)
            case Failed():
                self._inside = False
                self._reporter.failed(awaited, ConnectionError(report.error))

    def _add(self, report: Ended) -> None:
        totals.events += report.events
        totals.packets += report.packets
        totals.octets += report.octets
        totals.recovered += report.recovered
        totals.lost += report.lost
