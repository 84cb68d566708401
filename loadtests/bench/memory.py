"""Memory of the plane a subscriber, with a video and an audio sink that are live."""

import gc
import multiprocessing
import os
from multiprocessing.connection import Connection
from pathlib import Path

from livetrial_plane import Plane
from loadtests.bench.generator import Generator
from loadtests.bench.plane import PUBLISHER, PlaneSession
from loadtests.bench.srtp import Key
from loadtests.bench.subscribers import Sinks, check

FEW, MORE = 100, 1_100
MEDIA_S = 1.0


def kib_per_subscriber() -> float:
    """Resident memory that 1,000 subscribers more take, in KiB each, after a second of media.

    Each number is measured in a process that does nothing else, so what is there once (caches of sources, buffers of the
    worker, the interpreter) cancels out. Sockets' memory is the kernel's and not in it; a socket's object of the
    interpreter, 100 octets, is.
    """
    return (_resident_octets(MORE) - _resident_octets(FEW)) / (MORE - FEW) / 1024


def _resident_octets(subscribers: int) -> int:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, subscribers))
    process.start()
    theirs.close()
    octets: int = ours.recv()
    process.join()
    return octets


def _serve(pipe: Connection, subscribers: int) -> None:
    with Sinks(subscribers) as sinks:
        plane = Plane(host=sinks.network.server, liveness_timeout_s=3600.0)
        key = Key()
        PlaneSession(plane, key).subscribe(sinks.sockets)
        with Generator(plane.port, key, speed=1.0, first=check(f"ufrag{PUBLISHER}")) as generator:
            generator.run(MEDIA_S)
        gc.collect()
        pipe.send(_resident())
        plane.close()


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")
