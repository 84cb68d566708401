"""Subscribers that only take: sockets whose buffers may overflow, so that receiving costs the sender next to nothing."""

import resource
import socket
from typing import Self

from aioice import stun

from loadtests.bench.network import LOOPBACK, Network

LOCAL_PWD = "bench+password+of+a+peer"

SPARE_DESCRIPTORS = 1_024
"""For everything but the subscribers' sockets."""


class Sinks:
    """`count` UDP sockets that nobody reads, at the subscribers' address of `network`.

    Raises:
        RuntimeError: this process may not open so many; the message says how to allow it.
    """

    def __init__(self, count: int, network: Network = LOOPBACK) -> None:
        self.network = network
        _allow_descriptors(count + SPARE_DESCRIPTORS)
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
        for sink in self.sockets:
            # The least that the kernel allows: what does not fit is dropped there, as if it had left the machine.
            sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
            sink.bind((network.subscribers, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for sink in self.sockets:
            sink.close()

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where they are bound."""
        return [sink.getsockname() for sink in self.sockets]


def check(ufrag: str) -> bytes:
    """A nominating connectivity check (RFC 8445 section 7.2.4) for a peer with `LOCAL_PWD`."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ufrag}:theirs"
    message.attributes["PRIORITY"] = 1
    message.attributes["ICE-CONTROLLING"] = 1
    message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(LOCAL_PWD.encode())
    return bytes(message)


def _allow_descriptors(needed: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise RuntimeError(
            f"{needed} file descriptors are needed and at most {hard} are allowed: raise the hard limit "
            f"(`ulimit -Hn {needed}` as root), or measure fewer subscribers (`--subscribers`)"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
