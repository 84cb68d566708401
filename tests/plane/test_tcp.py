"""The plane's TCP side, on real sockets: who has no UDP is served, who floods or speaks nonsense is cut off alone."""

import contextlib
import resource
import socket
import struct
from collections.abc import Iterator
from random import Random

import pytest
from aioice import stun

from livetrial_plane import Codec, Plane
from tests.plane.peers import GUARD_S, LOCAL_PWD, Peer, next_events, until

OPUS = Codec("opus", 111, clock_rate=48_000)
HANDSHAKE = bytes([22, 254, 253]) + bytes(10)


@pytest.fixture
def crowded() -> Iterator[Plane]:
    """A plane that takes 256 connections, 64 of them of one address: a quarter of 1,024 descriptors, and of these."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, before[1]))
    plane = Plane(host="127.0.0.1")
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    yield plane
    plane.close()


def connect(plane: Plane) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", plane.port), timeout=GUARD_S)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def is_cut_off(client: socket.socket) -> bool:
    """Whether the plane closed the connection; waits for it."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def opus(sequence: int) -> bytes:
    return struct.pack("!BBHII", 0x80, 111, sequence, 960 * sequence, 5_000) + bytes([sequence]) * 80


@contextlib.contextmanager
def session(plane: Plane, *, publishing: bool = True, receiving: bool = True) -> Iterator[tuple[Peer, Peer]]:
    """A publisher and a subscriber that hears it, each by TCP or else by UDP."""
    with Peer(plane, 1, tcp=publishing) as publisher, Peer(plane, 2, tcp=receiving) as subscriber:
        publisher.join(plane)
        subscriber.join(plane, extensions={"mid": 4})
        plane.add_source(11, peer=1, kind="audio", mid="0", codecs=[OPUS], rids=[], ssrcs=[(5_000, 0)])
        plane.add_sink(21, peer=2, mid="a", ssrc=6_000, rtx_ssrc=0, cname="c", codecs=[OPUS])
        plane.route(21, 11)
        plane.stats()
        yield publisher, subscriber


def passes(publisher: Peer, subscriber: Peer, sequences: range) -> bool:
    """Whether each packet comes out as it went in, in order."""
    for sequence in sequences:
        publisher.socket.send(publisher.outbound.protect(opus(sequence)))
    for sequence in sequences:
        while (packet := subscriber.socket.recv(2048))[0] >> 6 != 2 or 192 <= packet[1] <= 223:
            assert packet, "the connection was closed"
        if not subscriber.inbound.unprotect(packet).endswith(opus(sequence)[12:]):
            return False
    return True


def test_a_check_is_answered_on_its_connection(plane: Plane) -> None:
    with Peer(plane, 7, tcp=True) as peer:
        plane.add_peer(7, local_ufrag=peer.ufrag, local_pwd=LOCAL_PWD, extensions={})
        answer = peer.check()
        assert answer.message_class is stun.Class.RESPONSE
        assert answer.attributes["XOR-MAPPED-ADDRESS"] == peer.socket.getsockname()
        [event] = next_events(plane)
        assert (event.kind, event.address, event.protocol) == ("connected", peer.address, "tcp")
        plane.send_dtls(7, HANDSHAKE)
        assert peer.socket.recv(2048) == HANDSHAKE
        peer.socket.send(HANDSHAKE + b"up")
        assert [event.data for event in next_events(plane)] == [HANDSHAKE + b"up"]


@pytest.mark.parametrize(("publishing", "receiving"), [(True, True), (True, False), (False, True)])
def test_media_pass_between_udp_and_tcp(plane: Plane, publishing: bool, receiving: bool) -> None:
    with session(plane, publishing=publishing, receiving=receiving) as (publisher, subscriber):
        assert passes(publisher, subscriber, range(1, 200))


def test_octets_that_come_one_by_one_are_frames_all_the_same(plane: Plane) -> None:
    with Peer(plane, 7, tcp=True) as peer:
        plane.add_peer(7, local_ufrag=peer.ufrag, local_pwd=LOCAL_PWD, extensions={})
        request = bytes(peer.request())
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in struct.pack("!HH", 0, len(request)) + request:
            peer.socket.sendall(bytes([octet]))
        assert stun.parse_message(peer.socket.recv(2048)).message_class is stun.Class.RESPONSE


def test_a_peer_goes_on_by_udp_when_its_connection_closes(plane: Plane) -> None:
    with Peer(plane, 7) as datagrams, Peer(plane, 7, tcp=True) as stream:
        plane.add_peer(7, local_ufrag=stream.ufrag, local_pwd=LOCAL_PWD, extensions={})
        datagrams.connect()
        stream.connect()
        plane.send_dtls(7, HANDSHAKE + b"one")
        assert stream.socket.recv(2048) == HANDSHAKE + b"one"
        stream.socket.close()
        until(plane, "tcp_closed", 1)
        plane.send_dtls(7, HANDSHAKE + b"two")
        assert datagrams.socket.recv(2048) == HANDSHAKE + b"two"
        assert plane.stats()["addresses"] == 1


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\xff" * 100_000, b"\x00\x02hi\x10\x01"]
)
def test_what_is_not_framed_closes_its_connection_alone(plane: Plane, garbage: bytes) -> None:
    with session(plane) as (publisher, subscriber), connect(plane) as stranger:
        with contextlib.suppress(ConnectionError):
            stranger.sendall(garbage)
        assert is_cut_off(stranger)
        assert passes(publisher, subscriber, range(1, 20))
        stats = plane.stats()
    assert (stats["tcp_framing_errors"], stats["tcp_closed"], stats["tcp_connections"]) == (1, 1, 2)


def test_random_frames_are_counted_as_random_datagrams_are(plane: Plane) -> None:
    random = Random(20)
    with session(plane) as (publisher, subscriber), Peer(plane, 3, tcp=True) as stranger:
        before = plane.stats()["tcp_frames_received"]
        frames = [bytes([first]) + random.randbytes(random.randrange(300)) for first in range(256)]
        for frame in frames:
            stranger.socket.send(frame)
        until(plane, "tcp_frames_received", before + len(frames))
        assert passes(publisher, subscriber, range(1, 20))
        stats = plane.stats()
    dropped = sum(stats[name] for name in stats if name.startswith(("dropped_", "stun_rejected")))
    assert dropped == len(frames)
    assert (stats["tcp_framing_errors"], stats["tcp_closed"]) == (0, 0)


def test_a_flood_of_connections_is_bounded_and_a_session_beside_it_goes_on(crowded: Plane) -> None:
    plane = crowded
    with session(plane) as (publisher, subscriber), contextlib.ExitStack() as stack:
        for wave in range(10):
            flood = [stack.enter_context(connect(plane)) for _ in range(20)]
            for client in flood:
                with contextlib.suppress(ConnectionError):
                    client.sendall(b"\x00\x14" + bytes(20))
            assert passes(publisher, subscriber, range(1 + 5 * wave, 6 + 5 * wave))
        assert is_cut_off(flood[-1])
        stats = plane.stats()
    assert stats["tcp_connections"] == stats["tcp_accepted"] == 64
    assert stats["tcp_refused"] == 202 - 64


def test_without_tcp_nobody_listens() -> None:
    plane = Plane(host="127.0.0.1", tcp=False)
    with pytest.raises(ConnectionRefusedError):
        connect(plane)
    plane.close()


def test_a_port_that_tcp_cannot_have_is_an_os_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot start a plane on 127.0.0.1 port {port}"):
            Plane(host="127.0.0.1", port=port)
        Plane(host="127.0.0.1", port=port, tcp=False).close()


def test_ipv4_peers_of_a_dual_stack_plane_come_by_tcp_too() -> None:
    plane = Plane(host="::")
    with Peer(plane, 1, tcp=True) as peer:
        peer.join(plane)
        assert [(event.address, event.protocol) for event in next_events(plane)] == [(peer.address, "tcp")]
    plane.close()
