"""Garbage at the media port while a session runs: `python -m loadtests.flood`.

A publisher sends 720p and Opus to a few subscribers; beside it one host sends 200,000 datagrams a second that mean
nothing, first as a stranger, then from the address of a member, whose datagrams the plane looks at more closely. Loopback
only; it ends by itself within 30 s and prints one JSON line.

Where a lost packet was lost is counted, not guessed: what was sent to the port is what the plane received plus what the
kernel dropped before it (`drops` of the socket in /proc/net/udp), and what the plane received of the session it has to
send to every subscriber. `unaccounted` and `lost_in_plane` are therefore 0 unless our code loses something.
"""

import argparse
import json
import multiprocessing
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from multiprocessing.connection import Connection
from pathlib import Path

from livetrial_plane import Plane
from loadtests.bench.cpu import cpu_ns, thread_named
from loadtests.bench.generator import Generator
from loadtests.bench.plane import PUBLISHER, WORKER, PlaneSession
from loadtests.bench.srtp import Key
from loadtests.bench.subscribers import check

SUBSCRIBERS = 4
SEED = 20261122
HEADS = [b"", b"\x00\x01\x00\x08\x21\x12\xa4\x42", b"\x16\xfe\xfd", b"\x80\x60", b"\x90\xe0", b"\x80\xc8", b"\xff"]
"""Nothing, and the beginnings of STUN, DTLS, RTP with and without extension, RTCP, and of nothing known (RFC 7983)."""
TICK_S = 0.001
MOST_AT_ONCE = 1_000
"""Less than fills the socket's buffer: a flooder that was held up goes on at its rate, and not in one burst."""
SETTLE_S = 2.0
MEMBER = 1000
"""The peer whose address the flood comes from in the second row."""


@dataclass(frozen=True)
class Row:
    """One flood. Counts are datagrams."""

    flood: str
    """`stranger`, or `member`: from an address that has passed a connectivity check."""
    flood_sent: int
    flood_per_s: int
    kernel_drops: int
    """Of all that was sent to the port, dropped because the socket's buffer was full."""
    unaccounted: int
    """Sent to the port, and neither received by the plane nor dropped by the kernel."""
    session_sent: int
    """By the publisher."""
    session_lost_in_kernel: int
    """Of these, dropped before the plane."""
    session_lost_in_plane: int
    """Of those that the plane received, times subscribers: not got by a subscriber, although its buffer had room."""
    worker_cpu: float
    """Share of one core that the plane's thread took."""


class Subscribers:
    """Sockets that count what they get, read by a thread of their own."""

    def __init__(self, count: int) -> None:
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
        for sock in self.sockets:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            sock.bind(("127.0.0.1", 0))
        self._got = [0] * count
        self._threads = [threading.Thread(target=self._read, args=(index,)) for index in range(count)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> "Subscribers":
        return self

    def __exit__(self, *_: object) -> None:
        for sock, thread in zip(self.sockets, self._threads, strict=True):
            # An empty datagram to itself ends its thread.
            sock.sendto(b"", sock.getsockname())
            thread.join()
            sock.close()

    @property
    def got(self) -> int:
        """RTP packets so far."""
        return sum(self._got)

    @property
    def drops(self) -> int:
        """What the kernel dropped before them."""
        return sum(kernel_drops(sock.getsockname()[1]) for sock in self.sockets)

    def _read(self, index: int) -> None:
        sock = self.sockets[index]
        while datagram := sock.recv(2048):
            is_rtcp = len(datagram) > 1 and 192 <= datagram[1] <= 223
            self._got[index] += datagram[0] >> 6 == 2 and not is_rtcp


def kernel_drops(port: int) -> int:
    """Datagrams that the kernel dropped because the buffer of the UDP socket on this IPv4 port was full."""
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port:
            return int(fields[-1])
    raise LookupError(f"no socket on UDP port {port}")


def garbage() -> list[bytes]:
    """The same few thousand datagrams in every run."""
    rng = random.Random(SEED)
    return [head + rng.randbytes(rng.choice((1, 12, 24, 100, 300))) for head in islice(cycle(HEADS), 4096)]


def _flood(pipe: Connection, port: int, first: bytes, rate: int, seconds: float) -> None:
    datagrams = cycle(garbage())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        if first:
            sock.send(first)
        pipe.send(None)
        pipe.recv()
        begin, sent = time.monotonic(), 0
        while (elapsed := time.monotonic() - begin) < seconds:
            due = min(int(elapsed * rate) - sent, MOST_AT_ONCE)
            for datagram in islice(datagrams, due):
                sock.send(datagram)
            sent += due
            if due < rate * TICK_S:
                time.sleep(TICK_S)
        pipe.send((sent, time.monotonic() - begin))


@contextmanager
def flooder(port: int, first: bytes, rate: int, seconds: float) -> Iterator[Connection]:
    """A process that is ready to flood when this is entered; a message begins it, and its answer is (sent, seconds)."""
    pipe, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_flood, args=(theirs, port, first, rate, seconds))
    process.start()
    pipe.recv()
    yield pipe
    process.join()


def run(flood: str, *, rate: int, seconds: float, subscribers: int = SUBSCRIBERS) -> Row:
    """Flood a session for that long."""
    with ExitStack() as stack:
        plane = Plane(host="127.0.0.1", liveness_timeout_s=3600.0)
        stack.callback(plane.close)
        members, publisher = stack.enter_context(Subscribers(subscribers)), Key()
        session = PlaneSession(plane, publisher)
        session.subscribe(members.sockets)
        if flood == "member":
            session.add_peer(MEMBER)
        media = stack.enter_context(Generator(plane.port, publisher, speed=1.0, first=check(f"ufrag{PUBLISHER}")))
        first = check(f"ufrag{MEMBER}") if flood == "member" else b""
        with flooder(plane.port, first, rate, seconds) as pipe:
            # A moment of media alone: keyframes are there, and the first checks are answered.
            media.run(0.2)
            settle(plane)
            return measure(flood, plane, members, media, pipe, seconds)


def measure(flood: str, plane: Plane, members: Subscribers, media: Generator, pipe: Connection, seconds: float) -> Row:
    """The session and the flood side by side, from quiet to quiet."""
    worker = thread_named(WORKER)
    before, got, cpu = plane.stats(), members.got, cpu_ns(worker)
    drops, drops_behind = kernel_drops(plane.port), members.drops
    pipe.send(None)
    session_sent = media.run(seconds)
    flood_sent, took = pipe.recv()
    settle(plane)
    after = plane.stats()
    received, taken_in = (after[name] - before[name] for name in ("udp_datagrams_received", "rtp_received"))
    dropped = kernel_drops(plane.port) - drops
    expected = taken_in * len(members.sockets) - (members.drops - drops_behind)
    wait_for(lambda: members.got - got >= expected)
    return Row(
        flood=flood,
        flood_sent=flood_sent,
        flood_per_s=round(flood_sent / took),
        kernel_drops=dropped,
        unaccounted=flood_sent + session_sent - received - dropped,
        session_sent=session_sent,
        session_lost_in_kernel=session_sent - taken_in,
        session_lost_in_plane=expected - (members.got - got),
        worker_cpu=round((cpu_ns(worker) - cpu) / 1e9 / took, 3),
    )


def settle(plane: Plane) -> None:
    """Wait until nothing arrives any more."""
    seen = [-1]

    def is_quiet() -> bool:
        seen.append(plane.stats()["udp_datagrams_received"])
        return seen[-1] == seen[-2]

    wait_for(is_quiet)


def wait_for(holds: Callable[[], bool]) -> None:
    """Until it holds, or `SETTLE_S` have passed: then what is missing shows in the counts."""
    guard = time.monotonic() + SETTLE_S
    while not holds() and time.monotonic() < guard:
        time.sleep(0.05)


def main() -> None:
    """Both floods, and a JSON line."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.flood", description="Flood a session with garbage.")
    parser.add_argument("--rate", type=int, default=200_000, help="datagrams a second (default 200000)")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each of the two floods (default 8)")
    arguments = parser.parse_args()
    rows = [run(flood, rate=arguments.rate, seconds=arguments.seconds) for flood in ("stranger", "member")]
    print(json.dumps({"rows": [asdict(row) for row in rows]}))


if __name__ == "__main__":
    main()
