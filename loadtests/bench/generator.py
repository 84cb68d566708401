"""The publisher: a process of its own, so that its CPU time is nobody else's."""

import multiprocessing
import socket
import time
from itertools import count
from multiprocessing.connection import Connection
from typing import NamedTuple, Self

from loadtests.bench.cpu import pin, spare_cpu
from loadtests.bench.srtp import Key
from loadtests.bench.stream import Packetizer, bursts


class Stamp(NamedTuple):
    """A packet that was sent."""

    is_video: bool
    timestamp: int
    """RTP timestamp."""
    index: int
    """Which packet of its frame."""
    sent_ns: int
    """The time of day right before the system call."""


class Generator:
    """Sends the stream as SRTP to a port, in bursts, `speed` times as fast as it plays.

    first: a datagram to send before all others, for example a connectivity check.
    spread_s: time between two packets of a burst; 0 sends them back to back.
    """

    def __init__(
        self, port: int, key: Key, *, speed: float, first: bytes = b"", spread_s: float = 0.0, host: str = "127.0.0.1"
    ) -> None:
        self._speed = speed
        self._pipe, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process
        self._process = process(target=_generate, args=(theirs, (host, port), key, first, spread_s), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.join()

    def run(self, seconds: float) -> int:
        """Send for that long, going on where the last run ended; the number of packets sent."""
        return len(self.run_at(self._speed, seconds))

    def run_at(self, speed: float, seconds: float) -> list[Stamp]:
        """Likewise at another speed; what was sent."""
        self._pipe.send((speed, seconds))
        sent: list[Stamp] = self._pipe.recv()
        return sent


def _generate(pipe: Connection, address: tuple[str, int], key: Key, first: bytes, spread_s: float) -> None:
    pin(0, spare_cpu())
    sender, packetizer, stream = key.sender(), Packetizer(), bursts()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as publisher:
        publisher.connect(address)
        if first:
            publisher.send(first)
        media_s = 0.0
        while True:
            try:
                speed, seconds = pipe.recv()
            except EOFError:
                return
            begin, end_s = time.monotonic() - media_s / speed, media_s + seconds * speed
            sent: list[Stamp] = []
            for burst in stream:
                packets = [sender.protect(packet) for packet in packetizer.packets(burst)]
                _wait_until(begin + burst.at_s / speed)
                for index, packet in zip(count(), packets, strict=False):
                    if spread_s and index:
                        _wait_until(time.monotonic() + spread_s)
                    sent.append(Stamp(burst.is_video, burst.timestamp, index, time.time_ns()))
                    publisher.send(packet)
                media_s = burst.at_s
                if media_s >= end_s:
                    break
            pipe.send(sent)


def _wait_until(moment: float) -> None:
    while (left := moment - time.monotonic()) > 0:
        time.sleep(left)
