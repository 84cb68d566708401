"""Tickets: made, checked, used once; and what comes of who uses them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from media import peer as peer_module
from media.connections import Receiving
from media.errors import TicketRefused
from media.node import MediaNode
from media.tickets import LIFETIME_S, Ticket, Tickets
from tests.media.rtc import Log, peer_connection, publish, track
from tests.media.synthetic import synthetic_answer

KEY = bytes(range(32))


def test_a_ticket_says_all_by_itself() -> None:
    now = 1_700_000_000.0
    ufrag = Tickets(KEY, lambda: now).mint("serum")
    assert len(ufrag) == 66
    other = Tickets(KEY, lambda: now + LIFETIME_S - 1)
    other.check(ufrag, "serum")
    assert len(other.password(ufrag)) == 48
    assert other.expires_s(ufrag) == now + LIFETIME_S
    ssrcs = {ssrc for slot in ("main", "stage-1", "audio-1") for ssrc in other.ssrcs(ufrag, slot)}
    assert len(ssrcs) == 9
    assert all(0 < ssrc < 2**32 for ssrc in ssrcs)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda ufrag: ufrag[:-1] + ("0" if ufrag[-1] != "0" else "1"), "no ticket of this node"),
        (lambda ufrag: ufrag[:8] + "ff" + ufrag[10:], "no ticket of this node"),
        (lambda ufrag: ufrag.upper(), "no ticket"),
        (lambda ufrag: ufrag[:-2], "no ticket"),
        (lambda ufrag: "zz" + ufrag[2:], "no ticket"),
        (lambda ufrag: "", "no ticket"),
    ],
)
def test_a_changed_ticket_is_refused(change: "type[str]", reason: str) -> None:
    tickets = Tickets(KEY)
    with pytest.raises(TicketRefused, match=reason):
        tickets.check(change(tickets.mint("serum")), "serum")


def test_a_ticket_is_for_one_session_one_node_one_time_and_one_use() -> None:
    now = [1_700_000_000.0]
    tickets = Tickets(KEY, lambda: now[0])
    ufrag = tickets.mint("serum")
    with pytest.raises(TicketRefused, match="another session"):
        tickets.check(ufrag, "cream")
    with pytest.raises(TicketRefused, match="of this node"):
        Tickets(bytes(32)).check(ufrag, "serum")
    tickets.spend(ufrag)
    with pytest.raises(TicketRefused, match="before"):
        tickets.spend(ufrag)
    now[0] += LIFETIME_S
    with pytest.raises(TicketRefused, match="expired"):
        tickets.check(ufrag, "serum")


@pytest.fixture
async def pcs() -> AsyncIterator[list[RTCPeerConnection]]:
    pcs = [peer_connection(), peer_connection()]
    yield pcs
    await asyncio.gather(*(pc.close() for pc in pcs))


async def offer(pc: RTCPeerConnection) -> str:
    pc.addTransceiver("video", "recvonly")
    pc.addTransceiver("audio", "recvonly")
    await pc.setLocalDescription(await pc.createOffer())
    return str(pc.localDescription.sdp)


async def receive(node: MediaNode, sdp: str, log: Log, ticket: str, room: str = "r") -> Receiving:
    return await node.receive(room, offer=sdp, ticket=ticket, on_slots=log.on_slots, on_closed=log.on_closed)


async def answer_it_alone(pc: RTCPeerConnection, sdp: str, ticket: Ticket) -> None:
    """What a page does at the tap."""
    await pc.setRemoteDescription(RTCSessionDescription(synthetic_answer(sdp, ticket), "answer"))


async def until_state(pc: RTCPeerConnection, *states: str) -> None:
    changed = asyncio.Event()
    pc.on("connectionstatechange", changed.set)
    async with asyncio.timeout(20):
        while pc.connectionState not in states:
            changed.clear()
            await changed.wait()


async def test_a_peer_with_a_ticket_is_up_before_its_join_and_gets_nothing_before(
    node: MediaNode, pcs: list[RTCPeerConnection]
) -> None:
    host, viewer = pcs
    log = Log()
    publishing = await publish(node, host, log)
    sdp, ticket = await offer(viewer), node.ticket("r")
    await answer_it_alone(viewer, sdp, ticket)
    await until_state(viewer, "connected")
    assert node.stats()["early_peers"] == 1
    sent = node.stats()["rtp_sent"]
    receiving = await receive(node, sdp, log, ticket.ufrag)
    assert sent == 0
    frame = await asyncio.wait_for(track(viewer, "video").recv(), 20)
    assert frame is not None
    assert node.stats()["early_peers"] == 0
    with pytest.raises(TicketRefused, match="before"):
        await receive(node, sdp, log, ticket.ufrag)
    receiving.end()
    publishing.end()


async def test_a_join_that_is_faster_than_the_check(node: MediaNode, pcs: list[RTCPeerConnection]) -> None:
    viewer, log = pcs[1], Log()
    sdp, ticket = await offer(viewer), node.ticket("r")
    receiving = await receive(node, sdp, log, ticket.ufrag)
    assert f"a=ice-ufrag:{ticket.ufrag}" in receiving.answer
    await viewer.setRemoteDescription(RTCSessionDescription(receiving.answer, "answer"))
    await until_state(viewer, "connected")
    assert node.stats()["tickets_taken"] == 0
    receiving.end()


async def test_a_join_with_another_fingerprint_closes_the_connection(
    node: MediaNode, pcs: list[RTCPeerConnection]
) -> None:
    viewer, log = pcs[1], Log()
    sdp, ticket = await offer(viewer), node.ticket("r")
    await answer_it_alone(viewer, sdp, ticket)
    await until_state(viewer, "connected")
    lines = [
        f"a=fingerprint:sha-256 {'AB:' * 31}AB" if line.startswith("a=fingerprint") else line
        for line in sdp.splitlines()
    ]
    await receive(node, "\r\n".join(lines) + "\r\n", log, ticket.ufrag)
    await log.until(lambda: log.closed == ["wrong_fingerprint"])
    await until_state(viewer, "closed", "failed")
    assert node.stats()["peers"] == 0


async def test_a_join_that_never_comes_leaves_nothing(
    node: MediaNode, pcs: list[RTCPeerConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_module, "JOIN_TIMEOUT_S", 0.05)
    viewer = pcs[1]
    sdp, ticket = await offer(viewer), node.ticket("r")
    await answer_it_alone(viewer, sdp, ticket)
    await until_state(viewer, "closed", "failed")
    assert (node.stats()["peers"], node.stats()["early_peers"], node.stats()["rtp_sent"]) == (0, 0, 0)
    with pytest.raises(TicketRefused, match="before"):
        await receive(node, sdp, Log(), ticket.ufrag)
