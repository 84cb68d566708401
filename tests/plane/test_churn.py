"""Thousands of peers that join and leave a real plane leave no memory, descriptor or entry behind."""

import os
import resource
import socket
import time
from pathlib import Path

import pytest

from livetrial_plane import Codec, Plane
from tests.plane.peers import FIRST_OF_DTLS, GUARD_S, LOCAL_PWD, Keys, connectivity_check, next_events

THOUSAND = 1_000
GAUGES = ("peers", "sources", "mirrors", "sinks", "addresses", "ufrags", "ids", "handover_addresses")
VP8 = Codec("VP8", 96, clock_rate=90_000, rtx_payload_type=97)

KEYS = vars(Keys())
"""One set for all: making them is not what is tested."""


def until_empty(plane: Plane) -> dict[str, int]:
    """What has left one worker is told to the others: wait until they have heard."""
    deadline = time.monotonic() + GUARD_S
    while any((stats := plane.stats())[gauge] for gauge in GAUGES):
        assert time.monotonic() < deadline, {gauge: stats[gauge] for gauge in GAUGES}
    return stats


def resident_octets() -> int:
    """What this process has in memory now, the plane included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def join_and_leave(plane: Plane, sockets: list[socket.socket], round_: int) -> None:
    """A publisher comes for every tenth member; each passes a check, is told of, gets a stream and leaves."""
    sock, ufrag = sockets[round_ % len(sockets)], f"ufrag{round_}"
    plane.add_peer(round_, local_ufrag=ufrag, local_pwd=LOCAL_PWD, extensions={"mid": 4})
    sock.send(bytes(connectivity_check(ufrag)))
    # DTLS of a peer before may come first.
    while sock.recv(2048)[0] >= FIRST_OF_DTLS:
        pass
    plane.set_keys(round_, profile="AEAD_AES_128_GCM", **KEYS)
    if round_ % 10 == 0:
        plane.add_source(round_ + 1, peer=round_, kind="video", mid="0", codecs=[VP8], rids=["q", "h", "f"], ssrcs=[])
    plane.add_sink(round_, peer=round_, mid="1", ssrc=1, rtx_ssrc=2, cname="c", codecs=[VP8])
    plane.route(round_, round_ - round_ % 10 + 1)
    plane.send_dtls(round_, bytes([22] * 20))
    assert [event.kind for event in next_events(plane)] == ["connected"]
    # The publisher of these ten stays until the last of them.
    if round_ % 10:
        plane.remove_peer(round_)
    if round_ % 10 == 9:
        plane.remove_peer(round_ - 9)


@pytest.mark.parametrize(("workers", "rounds"), [(1, 10_000), (2, 4_000)])
def test_thousands_of_joins_and_leaves_leave_nothing_behind(workers: int, rounds: int) -> None:
    plane = Plane(host="127.0.0.1", workers=workers)
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(7)]
    for number, sock in enumerate(sockets, 1):
        # Hosts of their own: so many checks a second from one would not all be answered.
        sock.bind((f"127.0.0.{number}", 0))
        sock.settimeout(GUARD_S)
        sock.connect(("127.0.0.1", plane.port))
    resident, opened = [], []
    for round_ in range(rounds):
        join_and_leave(plane, sockets, round_)
        if round_ % THOUSAND == THOUSAND - 1:
            stats = until_empty(plane)
            resident.append(resident_octets())
            opened.append(descriptors())
    assert stats["unknown_id"] == stats["command_refused"] == stats["stun_limited"] == stats["events_dropped"] == 0
    assert stats["handover_dropped"] == 0
    assert len(plane.snapshot()) == 0
    # The first thousand fill caches and pools; a leak of 1 KiB a round would be 8 MiB from the second to the last.
    assert resident[-1] / resident[1] < 1.05, resident
    assert opened[-1] == opened[0], opened
    for sock in sockets:
        sock.close()
    plane.close()
