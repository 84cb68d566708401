"""Peers of a plane made by hand: a socket, connectivity checks from aioice, SRTP from libsrtp."""

import secrets
import select
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import Self

from aioice import stun
from pylibsrtp import Policy, Session

import livetrial_plane

GUARD_S = 10.0
"""Far beyond what anything here takes: reached only when it would never come."""

FIRST_OF_DTLS = 20
"""First octets below it are STUN (RFC 7983)."""

LOCAL_PWD = "the+password/of22chars"


@dataclass(frozen=True)
class Keys:
    """SRTP keying material of both directions, seen from the plane."""

    send_key: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    send_salt: bytes = field(default_factory=lambda: secrets.token_bytes(12))
    receive_key: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    receive_salt: bytes = field(default_factory=lambda: secrets.token_bytes(12))


class FramedSocket(socket.socket):
    """A TCP socket that sends and receives datagrams (RFC 4571 framing)."""

    def __init__(self) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)

    def send(self, datagram: bytes, flags: int = 0) -> int:  # type: ignore[override]
        """Send one frame."""
        self.sendall(struct.pack("!H", len(datagram)) + datagram, flags)
        return len(datagram)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Receive one frame; empty when the plane has closed the connection."""
        prefix = super().recv(2, socket.MSG_WAITALL)
        return super().recv(struct.unpack("!H", prefix)[0], socket.MSG_WAITALL) if prefix else b""


class Peer:
    """One ICE and SRTP association with the plane under test, by UDP or by TCP."""

    def __init__(self, plane: livetrial_plane.Plane, peer: int, *, tcp: bool = False) -> None:
        self.id = peer
        self.ufrag = f"ufrag{peer}"
        self.keys = Keys()
        self.socket = FramedSocket() if tcp else socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(GUARD_S)
        self.socket.connect(("127.0.0.1", plane.port))
        profile = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
        to_plane, from_plane = self.keys.receive_key + self.keys.receive_salt, self.keys.send_key + self.keys.send_salt
        self.outbound = Session(Policy(to_plane, Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
        self.inbound = Session(Policy(from_plane, Policy.SSRC_ANY_INBOUND, srtp_profile=profile))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    @property
    def address(self) -> str:
        """As events tell it."""
        host, port = self.socket.getsockname()
        return f"{host}:{port}"

    def request(self, password: str = LOCAL_PWD) -> stun.Message:
        """A nominating connectivity check."""
        return connectivity_check(self.ufrag, password)

    def check(self) -> stun.Message:
        """Send a check and return the plane's answer. All that was sent before has been handled then."""
        request = self.request()
        self.socket.send(bytes(request))
        while True:
            datagram = self.socket.recv(2048)
            if datagram[0] < FIRST_OF_DTLS:
                answer = stun.parse_message(datagram)
                if answer.transaction_id == request.transaction_id:
                    return answer

    def connect(self) -> None:
        """Send a check while there are no keys: by UDP it is answered twice."""
        self.check()
        if not isinstance(self.socket, FramedSocket):
            self.socket.recv(2048)

    def join(self, plane: livetrial_plane.Plane, extensions: dict[str, int] | None = None) -> None:
        """Add this peer to the plane, connect it and open its media gate."""
        plane.add_peer(self.id, local_ufrag=self.ufrag, local_pwd=LOCAL_PWD, extensions=extensions or {})
        self.connect()
        plane.set_keys(self.id, profile="AEAD_AES_128_GCM", **vars(self.keys))


def connectivity_check(ufrag: str, password: str = LOCAL_PWD) -> stun.Message:
    """A nominating connectivity check for the peer of this ufrag."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ufrag}:theirs"
    message.attributes["PRIORITY"] = 1
    message.attributes["ICE-CONTROLLING"] = 1
    message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(password.encode())
    return message


def next_events(plane: livetrial_plane.Plane) -> list[livetrial_plane.Event]:
    """Wait until the plane has events, and take them."""
    assert is_readable(plane, GUARD_S), "no event came"
    return plane.events()


def until(plane: livetrial_plane.Plane, name: str, value: int) -> None:
    """Wait until a counter has reached a value. Each question waits for a turn of the plane."""
    deadline = time.monotonic() + GUARD_S
    while (now := plane.stats()[name]) < value:
        assert time.monotonic() < deadline, f"{name} stays at {now}"


def is_readable(plane: livetrial_plane.Plane, timeout_s: float = 0.0) -> bool:
    """Whether the eventfd says that events wait."""
    return bool(select.select([plane.fileno()], [], [], timeout_s)[0])
