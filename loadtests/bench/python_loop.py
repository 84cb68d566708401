"""The best that the interpreter does: open once, then rewrite the header, protect and send for each subscriber."""

import multiprocessing
import socket
import struct
import time
from multiprocessing.connection import Connection
from typing import Self

from loadtests.bench.contender import Sample
from loadtests.bench.cpu import measured_cpu, pin
from loadtests.bench.generator import Generator
from loadtests.bench.srtp import Key
from loadtests.bench.subscribers import Sinks

STOP = b""
"""An empty datagram ends a run."""


class PythonContender:
    """A process that does nothing but forward with libsrtp through cffi; no event loop, no objects a packet."""

    def __init__(self, sinks: Sinks, *, speed: float, spread_s: float) -> None:
        self._subscribers = len(sinks.sockets)
        self._host = sinks.network.server
        key = Key()
        self._pipe, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process
        self._process = process(target=_forward, args=(theirs, key, self._host, sinks.addresses), daemon=True)
        self._process.start()
        theirs.close()
        self._port: int = self._pipe.recv()
        self._stopper = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._generator = Generator(self._port, key, speed=speed, spread_s=spread_s, host=self._host)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._generator.__exit__()
        self._pipe.close()
        self._process.join()
        self._stopper.close()

    def run(self, seconds: float) -> Sample:
        """Forward for that long."""
        self._pipe.send(None)
        expected = self._generator.run(seconds) * self._subscribers
        # What waits in front of it is forwarded first.
        self._stopper.sendto(STOP, (self._host, self._port))
        cpu_ns, packets = self._pipe.recv()
        return Sample(cpu_ns=cpu_ns, packets=packets, sends=packets, missing=expected - packets)


def _forward(pipe: Connection, key: Key, host: str, addresses: list[tuple[str, int]]) -> None:
    pin(0, measured_cpu())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        server.bind((host, 0))
        pipe.send(server.getsockname()[1])
        unprotect = key.receiver().unprotect
        subscribers = [(number, Key().sender().protect, address) for number, address in enumerate(addresses, 1)]
        while True:
            try:
                pipe.recv()
            except EOFError:
                return
            begin, packets = time.thread_time_ns(), 0
            while protected := server.recv(2048):
                packet = unprotect(protected)
                head, rest = packet[:8], packet[12:]
                stream = packet[8] << 24
                for number, protect, address in subscribers:
                    server.sendto(protect(head + struct.pack("!I", stream | number) + rest), address)
                packets += len(subscribers)
            pipe.send((time.thread_time_ns() - begin, packets))
