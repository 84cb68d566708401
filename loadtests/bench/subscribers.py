"""Subscribers that only take: sockets whose buffers may overflow, so that receiving costs the sender next to nothing."""

import resource
import socket
from typing import Self

from aioice import stun

LOCAL_PWD = "bench+password+of+a+peer"


class Sinks:
    """`count` UDP sockets on loopback that nobody reads."""

    def __init__(self, count: int) -> None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, count + 1024), most))
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
        for sink in self.sockets:
            # The least that the kernel allows: what does not fit is dropped there, as if it had left the machine.
            sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
            sink.bind(("127.0.0.1", 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for sink in self.sockets:
            sink.close()

    @property
    def ports(self) -> list[int]:
        """Where they are bound."""
        return [sink.getsockname()[1] for sink in self.sockets]


def check(ufrag: str) -> bytes:
    """A nominating connectivity check (RFC 8445 section 7.2.4) for a peer with `LOCAL_PWD`."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ufrag}:theirs"
    message.attributes["PRIORITY"] = 1
    message.attributes["ICE-CONTROLLING"] = 1
    message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(LOCAL_PWD.encode())
    return bytes(message)
