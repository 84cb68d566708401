"""The plane through its Python module, on real sockets."""

import errno
import socket
import struct
from random import Random

import numpy as np
import pytest
from aioice import stun
from pylibsrtp import Error as SrtpError

from livetrial_plane import Codec, Event, Plane
from tests.plane.peers import GUARD_S, Peer, is_readable, next_events

VP8 = Codec("VP8", 96, clock_rate=90_000)
VP8_KEYFRAME = bytes([0x10, 0x00, 0x00, 0x00, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0xE0, 0x01]) + bytes(200)
"""Descriptor with the S bit (RFC 7741 section 4.2), and the beginning of a 640x480 keyframe."""

HANDSHAKE = bytes([22, 254, 253]) + bytes(10)
"""The header of a DTLS record (RFC 6347 section 4.1)."""


def rtp(ssrc: int, sequence: int, payload: bytes, payload_type: int = 96) -> bytes:
    """One RTP packet with the marker bit."""
    return struct.pack("!BBHII", 0x80, 0x80 | payload_type, sequence, 90_000, ssrc) + payload


def test_port_0_lets_the_kernel_choose_and_a_taken_port_is_an_os_error(plane: Plane) -> None:
    assert plane.port > 0
    with pytest.raises(OSError, match=f"cannot start a plane on 127.0.0.1 port {plane.port}") as raised:
        Plane(host="127.0.0.1", port=plane.port)
    assert raised.value.errno == errno.EADDRINUSE


def test_close_frees_the_port_and_may_be_repeated() -> None:
    plane = Plane(host="127.0.0.1")
    port = plane.port
    plane.close()
    plane.close()
    for call in (
        plane.stats,
        plane.snapshot,
        plane.audio_levels,
        plane.events,
        plane.fileno,
        lambda: plane.remove_peer(1),
    ):
        with pytest.raises(RuntimeError, match="the plane is closed"):
            call()
    Plane(host="127.0.0.1", port=port).close()


def test_a_check_with_the_right_password_is_answered_and_told(plane: Plane) -> None:
    with Peer(plane, 7) as peer:
        plane.add_peer(7, local_ufrag=peer.ufrag, local_pwd="the+password/of22chars", extensions={})
        answer = peer.check()
        assert answer.message_class is stun.Class.RESPONSE
        assert answer.check_message_integrity(b"the+password/of22chars")
        assert answer.attributes["XOR-MAPPED-ADDRESS"] == peer.socket.getsockname()
        [event] = next_events(plane)
        assert (event.kind, event.peer, event.address, event.protocol) == ("connected", 7, peer.address, "udp")
        assert repr(event) == f'Event("connected", peer=7, address="{peer.address}", protocol="udp")'
        with pytest.raises(AttributeError):
            event.peer = 8


def test_a_check_with_another_password_is_counted_and_not_answered(plane: Plane) -> None:
    with Peer(plane, 7) as peer:
        plane.add_peer(7, local_ufrag=peer.ufrag, local_pwd="the+password/of22chars", extensions={})
        peer.socket.send(bytes(peer.request(password="another+password/22chr")))
        right = peer.request()
        peer.socket.send(bytes(right))
        # The first answer that comes is the one to the second request.
        assert stun.parse_message(peer.socket.recv(2048)).transaction_id == right.transaction_id
        assert plane.stats()["stun_rejected"] == 1


def test_the_eventfd_is_readable_exactly_while_events_wait(plane: Plane) -> None:
    assert not is_readable(plane)
    assert plane.events() == []
    with Peer(plane, 1) as peer:
        peer.join(plane)
        peer.socket.send(HANDSHAKE + b"one")
        peer.socket.send(HANDSHAKE + b"two")
        peer.check()
        # A question is answered after the turn of the check, so all three events wait by now.
        plane.stats()
        assert is_readable(plane)
        events = plane.events()
        assert [event.kind for event in events] == ["connected", "dtls", "dtls"]
        assert [event.data for event in events] == [b"", HANDSHAKE + b"one", HANDSHAKE + b"two"]
        assert repr(events[1]) == 'Event("dtls", peer=1, data=<16 octets>)'
        assert not is_readable(plane)
        peer.socket.send(HANDSHAKE)
        assert [event.kind for event in next_events(plane)] == ["dtls"]


def test_a_dtls_datagram_goes_to_the_checked_address(plane: Plane) -> None:
    with Peer(plane, 1) as peer:
        peer.join(plane)
        plane.send_dtls(1, HANDSHAKE)
        assert peer.socket.recv(2048) == HANDSHAKE
        assert plane.stats()["dtls_sent"] == 1


def test_empty_truncated_and_random_datagrams_are_counted_and_harm_nobody(plane: Plane) -> None:
    garbage = [
        b"",
        b"\x00",
        b"\x80",
        b"\xff" * 1_500,
        bytes(20),
        HANDSHAKE,
        HANDSHAKE[:5],
        bytes([0x80, 200]),
        b"\x01\x01" + bytes(18),
    ]
    with Peer(plane, 1) as peer, Peer(plane, 2) as stranger:
        peer.join(plane)
        before = plane.stats()
        for sender in (stranger, peer):
            for datagram in garbage:
                sender.socket.send(datagram)
        assert peer.check().message_class is stun.Class.RESPONSE
        after = plane.stats()
    assert after["udp_datagrams_received"] - before["udp_datagrams_received"] == 2 * len(garbage) + 1
    dropped = sum(after[name] - before[name] for name in after if name.startswith(("dropped_", "stun_rejected")))
    handed_up = after["dtls_received"] - before["dtls_received"]
    assert dropped + handed_up == 2 * len(garbage)
    assert handed_up == 1, "what looks like DTLS, from the checked address alone"


def test_random_datagrams_of_every_kind_do_not_stop_the_plane(plane: Plane) -> None:
    random = Random(20)
    with Peer(plane, 1) as peer:
        peer.join(plane, extensions={"mid": 4, "rid": 5, "transport-cc": 3})
        plane.add_source(11, peer=1, kind="video", mid="0", codecs=[VP8], rids=["a", "b"], ssrcs=[])
        for _ in range(100):
            for _ in range(50):
                first = random.choice([0, 1, 22, 0x80, 0x90, 0xB0, 0xBF])
                second = random.choice([96, 96 | 0x80, 200, 201, 205, 206, random.randrange(256)])
                datagram = bytes([first, second]) + random.randbytes(random.randrange(300))
                sealed = first >= 0x80 and second not in range(192, 224) and len(datagram) >= 64
                peer.socket.send(protect_or_leave(peer, datagram) if sealed else datagram)
            assert peer.check().message_class is stun.Class.RESPONSE
    assert plane.stats()["udp_datagrams_received"] >= 100 * 51


def protect_or_leave(peer: Peer, packet: bytes) -> bytes:
    """SRTP where libsrtp takes the packet for RTP: then what is random reaches the parsers behind decryption."""
    try:
        protected: bytes = peer.outbound.protect(packet)
    except SrtpError:
        return packet
    return protected


def test_silence_is_told_once() -> None:
    plane = Plane(host="127.0.0.1", liveness_timeout_s=0.05)
    with Peer(plane, 3) as peer:
        plane.add_peer(3, local_ufrag=peer.ufrag, local_pwd="the+password/of22chars", extensions={})
        [event] = next_events(plane)
        assert (event.kind, event.peer, repr(event)) == ("lost", 3, 'Event("lost", peer=3)')
    plane.close()


def test_commands_for_what_has_ended_are_counted_and_ignored(plane: Plane) -> None:
    plane.remove_peer(1)
    plane.remove_source(1)
    plane.remove_sink(1)
    plane.route(1, None)
    plane.send_dtls(1, b"x")
    plane.request_keyframe(1)
    assert plane.stats()["unknown_id"] == 6
    assert plane.source_stats(1) == []


def test_media_come_out_as_they_went_in_under_the_subscribers_names(plane: Plane) -> None:
    with Peer(plane, 1) as publisher, Peer(plane, 2) as subscriber:
        publisher.join(plane)
        subscriber.join(plane, extensions={"mid": 4})
        plane.add_source(11, peer=1, kind="video", mid="0", codecs=[VP8], rids=[], ssrcs=[(5_000, 0)])
        theirs = Codec("VP8", 120, clock_rate=90_000)
        plane.add_sink(21, peer=2, mid="v", ssrc=6_000, rtx_ssrc=0, cname="c", codecs=[theirs])
        plane.route(21, 11)
        plane.stats()
        publisher.socket.send(publisher.outbound.protect(rtp(5_000, 1, VP8_KEYFRAME)))

        packet = subscriber.inbound.unprotect(receive_rtp(subscriber))
        assert struct.unpack("!I", packet[8:12]) == (6_000,)
        assert packet[1] == 0x80 | 120
        assert packet.endswith(VP8_KEYFRAME)

        [row] = plane.snapshot()
        assert (row["sink"], row["peer"], row["source"], row["encoding"]) == (21, 2, 11, 0)
        assert (row["spatial"], row["temporal"]) == (255, 255)
        assert (row["packets"], row["bytes"], row["switches"]) == (1, len(VP8_KEYFRAME), 1)
        assert np.isnan(row["rtt_ms"])
        [encoding] = plane.source_stats(11)
        assert encoding == {
            "ssrc": 5_000, "packets": 1, "bytes": len(VP8_KEYFRAME), "keyframes": 1, "lost": 0, "active": 1,
            "target_kbps": 0, "width": 0, "height": 0, "spatial_layers": 1, "temporal_layers": 1, "media_ms": 0,
            "layer_bytes": [[len(VP8_KEYFRAME), 0, 0, 0], *[[0] * 4] * 3],
        }  # fmt: skip
        told = [event for event in plane.events() if event.kind == "encoding"]
        assert [(event.peer, event.source, event.encoding, event.active) for event in told] == [(1, 11, 0, True)]
        assert repr(told[0]) == 'Event("encoding", peer=1, source=11, encoding=0, active=True)'


def test_a_snapshot_of_many_sinks_is_one_array(plane: Plane) -> None:
    assert plane.snapshot().shape == (0,)
    plane.add_peer(1, local_ufrag="abcd", local_pwd="p" * 22, extensions={})
    for sink in range(100):
        plane.add_sink(sink, peer=1, mid=str(sink), ssrc=sink + 1, rtx_ssrc=0, cname="c", codecs=[VP8])
    snapshot = plane.snapshot()
    assert sorted(snapshot["sink"].tolist()) == list(range(100))
    assert (snapshot["encoding"] == -1).all()
    assert (snapshot["fraction_lost"] == 0).all()
    assert plane.stats()["sinks"] == 100


def test_the_classes_tell_what_they_hold() -> None:
    assert repr(VP8) == 'Codec("VP8", 96, clock_rate=90000)'
    opus = Codec("opus", 111, clock_rate=48_000, rtx_payload_type=112)
    assert repr(opus) == 'Codec("opus", 111, clock_rate=48000, rtx_payload_type=112)'
    with pytest.raises(TypeError):
        Event()


def receive_rtp(peer: Peer) -> bytes:
    """The next datagram that is RTP and not RTCP (RFC 5761 section 4)."""
    peer.socket.settimeout(GUARD_S)
    while True:
        datagram = peer.socket.recv(2048)
        if datagram[0] >> 6 == 2 and not 192 <= datagram[1] <= 223:
            return datagram


def test_ipv4_peers_of_a_dual_stack_plane_are_told_by_their_ipv4_address() -> None:
    plane = Plane(host="::")
    with Peer(plane, 1) as peer:
        assert peer.socket.family is socket.AF_INET
        peer.join(plane)
        assert [event.address for event in next_events(plane)] == [peer.address]
    plane.close()
