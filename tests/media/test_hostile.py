"""Hostile datagrams at the media port: each is counted and dropped, and the session beside them notices nothing."""

import asyncio
import random
import re
import socket

import pytest
from aioice import stun
from aiortc import RTCPeerConnection

from media.node import MediaNode
from tests.media.rtc import Log, peer_connection, publish, receive, track

SEED = 20261122


@pytest.fixture
def attacker(node: MediaNode) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(("127.0.0.1", node.port))
    sock.setblocking(False)
    return sock


@pytest.fixture
async def session(node: MediaNode) -> tuple[RTCPeerConnection, Log]:
    """A session that runs: its viewer has seen a picture."""
    host, viewer, log = peer_connection(), peer_connection(), Log()
    await publish(node, host, log)
    await receive(node, viewer, log)
    async with asyncio.timeout(20):
        await track(viewer, "video").recv()
    yield viewer, log
    await asyncio.gather(host.close(), viewer.close())


async def goes_on(node: MediaNode, session: tuple[RTCPeerConnection, Log], frames: int = 15) -> None:
    viewer, log = session
    async with asyncio.timeout(20):
        for _ in range(frames):
            await track(viewer, "video").recv()
    assert log.closed == []
    assert node.stats()["dropped_replayed"] == 0


def garbage() -> list[bytes]:
    rng = random.Random(SEED)
    heads = [b"", b"\x00", b"\x00\x01\x00\x00\x21\x12\xa4\x42", b"\x16\xfe\xfd", b"\x80\x60", b"\x80\xc8", b"\xff"]
    return [head + rng.randbytes(size) for head in heads for size in (0, 1, 7, 19, 40, 1200)] * 20


async def test_garbage_is_counted(
    node: MediaNode, session: tuple[RTCPeerConnection, Log], attacker: socket.socket
) -> None:
    before = node.stats()
    for datagram in garbage():
        attacker.send(datagram)
    await goes_on(node, session)
    after = node.stats()
    dropped = sum(after[name] - before[name] for name in after if name.startswith("dropped_"))
    assert dropped + after["stun_rejected"] >= 0.9 * len(garbage())
    assert after["peers"] == 2


async def test_a_flood_of_connections_with_garbage_is_cut_off(
    node: MediaNode, session: tuple[RTCPeerConnection, Log]
) -> None:
    for datagram in garbage():
        _, writer = await asyncio.open_connection("127.0.0.1", node.port)
        writer.write(datagram)
        writer.transport.abort()
    await goes_on(node, session)
    stats = node.stats()
    assert stats["tcp_accepted"] + stats["tcp_refused"] > 0
    assert stats["peers"] == 2


def binding_request(username: str, password: str) -> bytes:
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    request.attributes["USERNAME"] = username
    request.attributes["PRIORITY"] = 1
    request.attributes["ICE-CONTROLLING"] = 7
    request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity(password.encode())
    request.add_fingerprint()
    return bytes(request)


async def answered(attacker: socket.socket) -> bytes:
    async with asyncio.timeout(10):
        return await asyncio.get_running_loop().sock_recv(attacker, 2048)


async def test_a_wrong_password_gets_no_answer_and_dtls_garbage_ends_only_its_peer(
    node: MediaNode, session: tuple[RTCPeerConnection, Log], attacker: socket.socket
) -> None:
    hostile, log = peer_connection(), Log()
    hostile.addTransceiver("video", "recvonly")
    await hostile.setLocalDescription(await hostile.createOffer())
    receiving = await node.receive(
        "r", offer=hostile.localDescription.sdp, on_slots=log.on_slots, on_closed=log.on_closed
    )
    ufrag, pwd = (re.search(rf"a=ice-{name}:(\S+)", receiving.answer).group(1) for name in ("ufrag", "pwd"))
    attacker.send(binding_request(f"{ufrag}:x", "wrong password wrong password"))
    attacker.send(binding_request("nobody:x", pwd))
    attacker.send(binding_request(f"{ufrag}:x", pwd))
    for _ in range(2):  # the right password, answered twice; the two before it got nothing
        reply = stun.parse_message(await answered(attacker))
        assert reply.message_class is stun.Class.RESPONSE
    assert node.stats()["stun_rejected"] >= 2
    client_hello = await answered(attacker)
    assert client_hello[0] == 22
    rng = random.Random(SEED)
    for size in (1, 12, 13, 100, 1200):
        attacker.send(b"\x16\xfe\xfd" + rng.randbytes(size))
        attacker.send(client_hello[:size])
    attacker.send(b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28")  # a fatal alert in the clear
    await goes_on(node, session)
    receiving.end()
    await hostile.close()
