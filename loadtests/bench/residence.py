"""Residence time: from the publisher's send to the arrival at a subscriber's socket, at shares of one core.

What a figure holds: the publisher's system call, the wait for the rest of the picture (it ends at the last packet; 1 ms where
that is missing), the plane's turn, the sends to all subscribers in front of this one, and the kernel's delivery both times.
Nothing is subtracted. The end is the kernel's receive timestamp, the begin the publisher's clock right before its call.
Subscribers are sampled evenly over the order in which they are served, so the last one's wait counts as the first one's.
"""

import os
import select
import socket
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from livetrial_plane import Plane
from loadtests.bench.cpu import cpu_ns, measured_cpu, pin, spare_cpu, thread_named
from loadtests.bench.generator import Generator, Stamp
from loadtests.bench.plane import PUBLISHER, WORKER, PlaneSession
from loadtests.bench.srtp import Key
from loadtests.bench.stream import PACKETS_PER_S
from loadtests.bench.subscribers import Sinks, check

SUBSCRIBERS = 100
SAMPLED = 5
SHARES = (0.25, 0.5, 0.8)
"""Of one core, by the worker thread."""

PROBE_S, RUN_S = 1.0, 3.0
FIRST_SPEED, MAX_SPEED = 3.0, 20.0
SETTLE_S = 0.2
SHARE_TOLERANCE = 0.03
ATTEMPTS = 4

# socket(7); the module has no names for them.
SO_TIMESTAMPNS = SCM_TIMESTAMPNS = 35
TIMESPEC = struct.Struct("qq")
RTP_FIXED = struct.Struct("!BBHII")
RECEIVE_BUFFER_OCTETS = 4 << 20


class Arrival(NamedTuple):
    """A packet at a sampled subscriber."""

    ssrc: int
    timestamp: int
    sequence: int
    received_ns: int


class Run(NamedTuple):
    """What a run showed."""

    share: float
    """Of its core, by the worker."""
    cpu_s_a_packet: float
    """The worker's, for each packet that the publisher sent."""
    times_ms: np.ndarray[Any, np.dtype[np.float64]]
    missing: int
    """Packets to sampled subscribers that did not arrive, or whose frame did not arrive whole."""


class Reader:
    """Notes what arrives at sockets, in a thread of its own."""

    def __init__(self, sockets: list[socket.socket]) -> None:
        self._sockets = {sock.fileno(): sock for sock in sockets}
        for sock in sockets:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_OCTETS)
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            sock.setblocking(False)
        self._arrivals: list[Arrival] = []
        self._stop, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._read, name="residence", daemon=True)
        self._thread.start()

    def take(self) -> list[Arrival]:
        """What has arrived since the last call."""
        taken, self._arrivals = self._arrivals, []
        return taken

    def take_all(self) -> list[Arrival]:
        """Likewise, once nothing more comes: arrival times are the kernel's, so reading may be late."""
        arrived = -1
        while arrived < len(self._arrivals):
            arrived = len(self._arrivals)
            time.sleep(SETTLE_S)
        return self.take()

    def close(self) -> None:
        """End the thread."""
        os.write(self._stopper, b"\0")
        self._thread.join()
        os.close(self._stop)
        os.close(self._stopper)

    def _read(self) -> None:
        pin(0, spare_cpu())
        poll = select.poll()
        for descriptor in (*self._sockets, self._stop):
            poll.register(descriptor, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._stop:
                    return
                self._drain(self._sockets[descriptor])

    def _drain(self, sock: socket.socket) -> None:
        while True:
            try:
                header, ancillary, *_ = sock.recvmsg(RTP_FIXED.size, socket.CMSG_SPACE(TIMESPEC.size))
            except BlockingIOError:
                return
            (arrived,) = (data for _, kind, data in ancillary if kind == SCM_TIMESTAMPNS)
            seconds, nanoseconds = TIMESPEC.unpack(arrived)
            # RTCP and STUN answers are not what is measured (RFC 5761 section 4).
            if len(header) == RTP_FIXED.size and header[0] >> 6 == 2 and not 192 <= header[1] <= 223:
                _, _, sequence, timestamp, ssrc = RTP_FIXED.unpack(header)
                self._arrivals.append(Arrival(ssrc, timestamp, sequence, seconds * 1_000_000_000 + nanoseconds))


def measure() -> list[dict[str, Any]]:
    """A row for each of `SHARES`."""
    with Sinks(SUBSCRIBERS) as sinks:
        plane = Plane(host=sinks.network.server, liveness_timeout_s=3600.0)
        plane.stats()  # Once the worker answers it has named itself.
        worker = thread_named(WORKER)
        pin(worker, measured_cpu())
        key = Key()
        PlaneSession(plane, key).subscribe(sinks.sockets)
        # From the first to the last that is served.
        reader = Reader([sinks.sockets[index * (SUBSCRIBERS - 1) // (SAMPLED - 1)] for index in range(SAMPLED)])
        try:
            with Generator(plane.port, key, speed=1.0, first=check(f"ufrag{PUBLISHER}")) as generator:
                return [_at_share(share, generator, worker, reader) for share in SHARES]
        finally:
            reader.close()
            plane.close()


def _at_share(share: float, generator: Generator, worker: int, reader: Reader) -> dict[str, Any]:
    speed = FIRST_SPEED
    generator.run_at(speed, PROBE_S)
    for _ in range(ATTEMPTS):
        probe = _run(generator, worker, reader, speed, PROBE_S)
        speed = min(MAX_SPEED, share / (probe.cpu_s_a_packet * PACKETS_PER_S))
        run = _run(generator, worker, reader, speed, RUN_S)
        if abs(run.share - share) <= SHARE_TOLERANCE:
            break
    if not run.times_ms.size:
        raise RuntimeError(
            "no packet reached a sampled subscriber whole: this machine is too busy to measure residence times"
        )
    p50, p99 = np.percentile(run.times_ms, [50, 99])
    return {
        "share": share,
        "share_reached": round(run.share, 3),
        "subscribers": SUBSCRIBERS,
        "speed": round(speed, 2),
        "p50_ms": round(float(p50), 3),
        "p99_ms": round(float(p99), 3),
        "packets": run.times_ms.size,
        "missing": run.missing,
    }


def _run(generator: Generator, worker: int, reader: Reader, speed: float, seconds: float) -> Run:
    reader.take()
    begin, cpu_begin = time.monotonic(), cpu_ns(worker)
    stamps = generator.run_at(speed, seconds)
    elapsed_s = time.monotonic() - begin
    cpu_s = (cpu_ns(worker) - cpu_begin) / 1e9
    times = _match(stamps, reader.take_all())
    missing = len(stamps) * SAMPLED - len(times)
    return Run(cpu_s / elapsed_s, cpu_s / len(stamps), np.array(times) / 1e6, missing)


def _match(stamps: Iterable[Stamp], arrivals: Iterable[Arrival]) -> list[int]:
    """Nanoseconds that each packet took to each sampled subscriber: the plane changes numbers, but neither order nor timestamps."""
    sent: dict[tuple[bool, int], list[int]] = defaultdict(list)
    for stamp in stamps:
        sent[stamp.is_video, stamp.timestamp].append(stamp.sent_ns)
    received: dict[tuple[int, int], list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        received[arrival.ssrc, arrival.timestamp].append(arrival)
    times: list[int] = []
    for (ssrc, timestamp), packets in received.items():
        begun = sent.get((ssrc % 2 == 0, timestamp), [])
        # A frame that lost a packet does not tell which.
        if len(begun) == len(packets):
            first = packets[0].sequence
            packets.sort(key=lambda arrival: (arrival.sequence - first + 0x8000) & 0xFFFF)
            times.extend(packet.received_ns - sent_ns for packet, sent_ns in zip(packets, begun, strict=True))
    return times
