"""A plane of two workers on one port: wherever the kernel puts a datagram, its peer is served."""

import socket
import struct
from collections.abc import Iterator

import pytest
from aioice import stun

from livetrial_plane import Codec, Plane
from tests.plane.peers import (
    FIRST_OF_DTLS,
    GUARD_S,
    LOCAL_PWD,
    Peer,
    connectivity_check,
    is_readable,
    next_events,
    until,
)

WORKERS = 2
SOURCE, MEDIA_SSRC = 11, 5_000
VP8 = Codec("VP8", 96, clock_rate=90_000, rtx_payload_type=97)
VP8_DESCRIPTOR = bytes([0x10])
KEYFRAME = VP8_DESCRIPTOR + bytes([0x00, 0x00, 0x00, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0xE0, 0x01]) + bytes(200)
INTERFRAME = VP8_DESCRIPTOR + bytes([0x01]) + bytes(200)
HANDSHAKE = bytes([22, 254, 253]) + bytes(10)


@pytest.fixture
def plane() -> Iterator[Plane]:
    plane = Plane(host="127.0.0.1", workers=WORKERS)
    yield plane
    plane.close()


def picture(number: int) -> bytes:
    """A whole picture in one packet; the first is a keyframe."""
    payload = (KEYFRAME if number == 1 else INTERFRAME) + bytes([number])
    return struct.pack("!BBHII", 0x80, 0x80 | 96, number, 3_000 * number, MEDIA_SSRC) + payload


def landing(plane: Plane, sock: socket.socket) -> int:
    """Which worker's socket the kernel gives the datagrams of this one to."""
    before = [stats["udp_datagrams_received"] for stats in plane.worker_stats()]
    until_all = sum(before) + 1
    sock.send(b"\xff")
    until(plane, "udp_datagrams_received", until_all)
    after = [stats["udp_datagrams_received"] for stats in plane.worker_stats()]
    return [now - then for then, now in zip(before, after, strict=True)].index(1)


def land_on(plane: Plane, peer: Peer, worker: int) -> None:
    """Give the peer a UDP socket whose datagrams this worker gets."""
    while landing(plane, peer.socket) != worker:
        peer.socket.close()
        peer.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.socket.settimeout(GUARD_S)
        peer.socket.connect(("127.0.0.1", plane.port))


def connect(plane: Plane, peers: int) -> None:
    """Wait until so many peers are connected; workers tell it in no particular order."""
    kinds: list[str] = []
    while len(kinds) < peers:
        kinds += [event.kind for event in next_events(plane)]
    assert kinds == ["connected"] * peers


def publish(plane: Plane, peer: Peer) -> None:
    peer.join(plane)
    plane.add_source(
        SOURCE, peer=peer.id, kind="video", mid="0", codecs=[VP8], rids=[], ssrcs=[(MEDIA_SSRC, MEDIA_SSRC + 1)]
    )


def watch(plane: Plane, peer: Peer) -> None:
    peer.join(plane, extensions={"mid": 4})
    plane.add_sink(peer.id, peer=peer.id, mid="a", ssrc=6_000, rtx_ssrc=6_001, cname="c", codecs=[VP8])
    plane.route(peer.id, SOURCE)


def next_rtp(peer: Peer) -> bytes:
    """The next RTP packet, without its padding."""
    while (packet := peer.socket.recv(2048))[0] >> 6 != 2 or 192 <= packet[1] <= 223:
        assert packet, "the connection was closed"
    plain: bytes = peer.inbound.unprotect(packet)
    return plain[: -plain[-1]] if plain[0] & 0x20 else plain


def arrives(publisher: Peer, viewers: list[Peer], numbers: range) -> bool:
    """Whether every viewer gets each of these pictures, in order."""
    for number in numbers:
        publisher.socket.send(publisher.outbound.protect(picture(number)))
    return all(next_rtp(viewer).endswith(picture(number)[-50:]) for viewer in viewers for number in numbers)


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("publisher_tcp", [False, True], ids=["from udp", "from tcp"])
def test_viewers_of_both_workers_get_what_a_publisher_of_one_sends(
    plane: Plane, tcp: bool, publisher_tcp: bool
) -> None:
    with Peer(plane, 1, tcp=publisher_tcp) as publisher:
        publish(plane, publisher)
        viewers = [Peer(plane, peer, tcp=tcp) for peer in range(2, 6)]
        for viewer in viewers:
            watch(plane, viewer)
        assert arrives(publisher, viewers, range(1, 20))
        rows = plane.snapshot()
        assert sorted(rows["sink"]) == [2, 3, 4, 5]
        assert set(rows["source"]) == {SOURCE}
        assert list(rows["packets"]) == [19] * 4
        first, second = plane.worker_stats()
        assert (first["sinks"], second["sinks"], first["mirrors"], second["mirrors"]) == (2, 2, 0, 1)
        [row] = plane.source_stats(SOURCE)
        assert (row["packets"], row["keyframes"]) == (19, 1)
        for viewer in viewers:
            viewer.socket.close()
        if tcp:
            assert plane.stats()["tcp_taken_over"] == second["tcp_taken_over"] == 2


@pytest.mark.parametrize("worker", range(WORKERS))
def test_a_peer_is_served_whichever_socket_gets_its_datagrams(plane: Plane, worker: int) -> None:
    with Peer(plane, 1) as publisher, Peer(plane, 2) as viewer:
        for peer in (publisher, viewer):
            land_on(plane, peer, worker)
        publish(plane, publisher)
        watch(plane, viewer)
        connect(plane, 2)
        assert arrives(publisher, [viewer], range(1, 10))
        publisher.socket.send(HANDSHAKE)
        while (event := next_events(plane)[-1]).kind == "encoding":
            pass
        assert (event.kind, event.peer, event.data) == ("dtls", 1, HANDSHAKE)
        first, second = plane.worker_stats()
        assert (first["handover_addresses"], second["handover_addresses"]) == ((1, 0) if worker == 0 else (0, 1))
        for peer in (publisher, viewer):
            plane.remove_peer(peer.id)
        # Whoever hands on is told within a second that nobody is there any more.
        while plane.stats()["handover_addresses"]:
            pass
        assert plane.stats()["mirrors"] == 0


def test_a_peer_that_moves_to_an_address_of_another_socket_goes_on(plane: Plane) -> None:
    with Peer(plane, 1) as publisher, Peer(plane, 2) as viewer:
        land_on(plane, publisher, 0)
        publish(plane, publisher)
        watch(plane, viewer)
        connect(plane, 2)
        assert arrives(publisher, [viewer], range(1, 4))
        for moves, (worker, numbers) in enumerate([(1, range(4, 8)), (0, range(8, 12))], 1):
            land_on(plane, publisher, worker)
            assert publisher.check().message_class is stun.Class.RESPONSE
            assert arrives(publisher, [viewer], numbers), f"move {moves}"
        land_on(plane, viewer, 0)
        assert viewer.check().message_class is stun.Class.RESPONSE
        assert arrives(publisher, [viewer], range(12, 16))
        plane.stats()
        assert {event.kind for event in plane.events()} == {"encoding"}, "and nobody had to hear of it"


def test_a_late_viewer_on_the_other_worker_begins_with_what_the_publishers_worker_has(plane: Plane) -> None:
    with Peer(plane, 1) as publisher, Peer(plane, 2) as viewer:
        publish(plane, publisher)
        for number in range(1, 6):
            publisher.socket.send(publisher.outbound.protect(picture(number)))
        until(plane, "rtp_received", 5)
        watch(plane, viewer)
        assert [next_rtp(viewer)[-1] for _ in range(5)] == [1, 2, 3, 4, 5]
        assert plane.stats()["keyframe_requests_sent"] == 0


def test_a_viewer_of_a_mirror_gets_the_publishers_keyframe(plane: Plane) -> None:
    with Peer(plane, 1) as publisher, Peer(plane, 2) as viewer:
        publish(plane, publisher)
        watch(plane, viewer)
        while True:
            packet = publisher.socket.recv(2048)
            if packet[0] >= FIRST_OF_DTLS and packet[1] == 206:
                break
        # A PLI (RFC 4585 section 6.3.1) for the stream.
        plain = publisher.inbound.unprotect_rtcp(packet)
        assert (plain[0] & 0x1F, struct.unpack("!I", plain[8:12])) == (1, (MEDIA_SSRC,))
        assert arrives(publisher, [viewer], range(1, 3))


def test_garbage_crosses_to_no_other_worker_and_costs_the_session_nothing(plane: Plane) -> None:
    with Peer(plane, 1) as publisher, Peer(plane, 2) as viewer:
        publish(plane, publisher)
        watch(plane, viewer)
        assert arrives(publisher, [viewer], range(1, 3))
        unknown = bytes(connectivity_check("nobody's ufrag"))
        kinds = [b"\xff" * 1_200, HANDSHAKE, b"\x80\x60" + bytes(1_200), b"\x80\xc8" + bytes(100), unknown]
        strangers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(16)]
        before = plane.stats()
        for number in range(3, 100):
            for stranger in strangers:
                for datagram in kinds:
                    stranger.sendto(datagram, ("127.0.0.1", plane.port))
            assert arrives(publisher, [viewer], range(number, number + 1))
        after = plane.worker_stats()
        for stranger in strangers:
            stranger.close()
        through = sum(stats["handover_datagrams"] for stats in after) - before["handover_datagrams"]
        assert through <= 2 * 97, "at most the session's own"
        assert all(stats["udp_datagrams_received"] > 1_000 for stats in after), "both sockets were under fire"
        assert sum(stats["handover_dropped"] for stats in after) == 0


def test_a_flood_with_a_members_ufrag_is_bounded_between_the_workers(plane: Plane) -> None:
    with Peer(plane, 1) as publisher, Peer(plane, 2) as viewer, Peer(plane, 3) as member:
        publish(plane, publisher)
        watch(plane, viewer)
        assert arrives(publisher, [viewer], range(1, 3))
        plane.add_peer(3, local_ufrag=member.ufrag, local_pwd=LOCAL_PWD, extensions={})
        land_on(plane, member, 1)
        forged = bytes(member.request(password="another+password/22chr"))
        for number in range(3, 60):
            for _ in range(100):
                member.socket.send(forged)
            # What follows a check goes where its ufrag is, and is nobody's there.
            member.socket.send(b"\x80\x60" + bytes(1_200))
            assert arrives(publisher, [viewer], range(number, number + 1))
        until(plane, "stun_rejected", 5_000)
        assert plane.stats()["stun_answered"] == 2


def test_ids_and_ufrags_are_refused_across_workers(plane: Plane) -> None:
    with Peer(plane, 1) as first, Peer(plane, 2) as second:
        for peer in (first, second):
            plane.add_peer(peer.id, local_ufrag=peer.ufrag, local_pwd=LOCAL_PWD, extensions={})
        plane.add_peer(3, local_ufrag=first.ufrag, local_pwd="b" * 22, extensions={})
        plane.add_peer(1, local_ufrag="another", local_pwd="b" * 22, extensions={})
        plane.remove_peer(9)
        assert (plane.stats()["command_refused"], plane.stats()["unknown_id"]) == (2, 1)
        assert first.check().message_class is second.check().message_class is stun.Class.RESPONSE


def test_closing_frees_the_port_of_all_workers() -> None:
    plane = Plane(host="127.0.0.1", workers=WORKERS)
    port = plane.port
    with pytest.raises(OSError, match=f"port {port}"):
        Plane(host="127.0.0.1", port=port, workers=WORKERS)
    plane.close()
    again = Plane(host="127.0.0.1", port=port, workers=WORKERS)
    assert not is_readable(again)
    again.close()
