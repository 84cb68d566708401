"""Joins that are no joins, at the server's edge: each is refused in words, counted by reason, and gone; those beside it notice nothing."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
import pytest
from OpenSSL import SSL

from loadtests.storm.association import Association, certificate, connectivity_check
from loadtests.storm.client import _OFFER
from media import peer as peer_module
from media.early import HEAD_STARTS_AT_ONCE
from media.tickets import LIFETIME_S, Tickets
from server.node import Node
from tests.server.harness import Running, Start

Ticket = dict[str, Any]


class Phone(asyncio.DatagramProtocol):
    """A browser's media side, driven by hand: checks with what credentials it is told, and shakes hands where it may."""

    def __init__(self, *, shakes_hands: bool = True) -> None:
        self.checked, self.established, self.closed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.media, self.answered, self.failed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._association = Association()
        self._shakes_hands = shakes_hands
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    @asynccontextmanager
    async def at(cls, ticket: Ticket, *, password: str | None = None, **options: bool) -> "AsyncIterator[Phone]":
        """One that has sent its check to where the ticket says."""
        port = int(ticket["candidates"][0].split(" ")[5])
        phone = cls(**options)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: phone, remote_addr=("127.0.0.1", port)
        )
        transport.sendto(connectivity_check(ticket["ufrag"], password or ticket["pwd"]))
        try:
            yield phone
        finally:
            transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data[0] < 4:
            self.checked.set()
        elif 20 <= data[0] < 64 and self._shakes_hands:
            if data[0] == 21 and self._association.established:
                self.closed.set()  # an alert: the server says goodbye
            try:
                answer = self._association.handshake(data)
            except SSL.Error:
                self.failed.set()
                return
            if answer and self._transport is not None:
                self._transport.sendto(answer)
                self.answered.set()
            if self._association.established:
                self.established.set()
        elif data[0] >> 6 == 2:
            self.media.set()


def offer(fingerprint: str | None = None) -> str:
    return _OFFER.format(fingerprint=fingerprint or certificate().fingerprint)


async def ticket_of(server: Running, session: str) -> Ticket:
    ticket: Ticket = (await server.http.get(f"/api/v1/tickets/{session}")).raise_for_status().json()
    return ticket


async def count(server: Running, name: str) -> float:
    text = (await server.http.get("/metrics")).text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found is not None, f"{name} is not among the metrics"
    return float(found[1])


async def ended(server: Running, reason: str) -> None:
    """Wait until one connection has ended so, and nothing is left of it."""
    name = f'livetrial_peers_ended_total{{reason="{reason}"}}'
    async with asyncio.timeout(20):
        while await count(server, name) < 1:
            pass
        while any(server.node.media.stats()[gauge] for gauge in ("peers", "early_peers")):
            await server.http.get("/healthz")


async def waits(event: asyncio.Event) -> None:
    async with asyncio.timeout(20):
        await event.wait()


async def real_join(server: Running, session: str) -> None:
    """Somebody joins with a ticket as everybody does, and is connected."""
    ticket = await ticket_of(server, session)
    async with Phone.at(ticket) as phone:
        _, joined = await server.join(session, offer=offer(), ticket=ticket["ufrag"])
        assert joined["answer"] is not None
        await waits(phone.established)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_module, "JOIN_TIMEOUT_S", 0.2)


def reused(node: Node, ticket: Ticket) -> str:
    node.media._tickets.spend(ticket["ufrag"])
    return str(ticket["ufrag"])


def expired(node: Node, ticket: Ticket) -> str:
    node.media._tickets._clock = lambda: time.time() + LIFETIME_S + 1
    return str(ticket["ufrag"])


def forged(node: Node, ticket: Ticket) -> str:
    return str(ticket["ufrag"][:-2]) + ("00" if ticket["ufrag"][-2:] != "00" else "11")


def other_session(node: Node, ticket: Ticket) -> str:
    return node.media._tickets.mint("another")


def malformed(node: Node, ticket: Ticket) -> str:
    return "01" * 16


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (reused, "spent"),
        (expired, "expired"),
        (forged, "forged"),
        (other_session, "other_session"),
        (malformed, "malformed"),
    ],
)
async def test_a_bad_ticket_costs_its_holder_the_head_start_and_nothing_else(
    server: Running, spoil: Any, reason: str
) -> None:
    session = await server.session()
    ufrag = spoil(server.node, await ticket_of(server, session))
    client, joined = await server.join(session, offer=offer(), ticket=ufrag)
    assert (joined["answer"], joined["media_error"]["code"]) == (None, "ticket_refused")
    assert await count(server, f'livetrial_tickets_refused_total{{reason="{reason}"}}') == 1
    await client.send(type="receive", offer=offer())
    assert (await client.expect("receiving"))["answer"], "the ordinary exchange goes on, on the same socket"
    await client.command("ask", cmd="c1", text="still here")


async def test_the_right_ufrag_and_a_wrong_password(server: Running) -> None:
    session = await server.session()
    ticket = await ticket_of(server, session)
    async with Phone.at(ticket, password="0" * 48) as phone:
        async with asyncio.timeout(20):
            while await count(server, "livetrial_plane_tickets_wrong_password_total") < 1:
                pass
        assert not phone.checked.is_set(), "who guesses is not answered"
    assert server.node.media.stats()["peers"] == 0
    async with Phone.at(ticket) as phone:
        await waits(phone.checked)


async def test_a_certificate_that_the_join_does_not_name(server: Running) -> None:
    session = await server.session()
    ticket = await ticket_of(server, session)
    async with Phone.at(ticket) as phone:
        await waits(phone.established)
        client, _ = await server.join(session, offer=offer(":".join(["AB"] * 32)), ticket=ticket["ufrag"])
        assert (await client.expect("media_closed"))["reason"] == "wrong_fingerprint"
        await waits(phone.closed)
        assert not phone.media.is_set()
    await ended(server, "wrong_fingerprint")
    await real_join(server, session)


@pytest.mark.parametrize("shakes_hands", [True, False])
async def test_a_join_that_never_comes(server: Running, quick: None, shakes_hands: bool) -> None:
    session = await server.session()
    async with Phone.at(await ticket_of(server, session), shakes_hands=shakes_hands) as phone:
        await waits(phone.checked)
        if shakes_hands:
            await waits(phone.closed)
        await ended(server, "join_missing")
        assert not phone.media.is_set()


async def test_a_ticket_of_another_node_and_of_before_a_restart(start: Start, server: Running, tmp_path: Any) -> None:
    session = await server.session()
    other = await start(data_dir=tmp_path / "other", secret=server.node.settings.secret_value())
    there = await ticket_of(other, session)
    await other.stop()
    restarted = await start(data_dir=tmp_path / "other", secret=server.node.settings.secret_value())
    for node in (server, restarted):
        client, joined = await node.join(session, offer=offer(), ticket=there["ufrag"])
        assert joined["media_error"]["code"] == "ticket_refused"
        await client.send(type="receive", offer=offer())
        assert (await client.expect("receiving"))["answer"]
        assert await count(node, 'livetrial_tickets_refused_total{reason="forged"}') == 1
        await real_join(node, session)


async def test_who_never_joins_takes_a_few_places_and_not_those_of_others(server: Running) -> None:
    session = await server.session()
    node = server.node.media
    hostile = [node.ticket(session).ufrag for _ in range(200)]
    for ufrag in hostile:
        node._peers.early.begin(ufrag, "192.0.2.1:5000")
    assert node.stats()["early_peers"] == 64
    node._peers.early.begin(node.ticket(session).ufrag, "192.0.2.2:5000")
    assert node.stats()["early_peers"] == 65
    await real_join(server, session)


def no_head_starts(server: Running) -> None:
    early = server.node.media._peers.early
    early._head_starts, early._counted_at = 0.0, 0.0
    early._clock = lambda: 0.0


async def test_beyond_the_head_starts_a_handshake_is_computed_for_a_join_alone(server: Running) -> None:
    session = await server.session()
    no_head_starts(server)
    ticket = await ticket_of(server, session)
    async with Phone.at(ticket) as hostile, Phone.at(joins := await ticket_of(server, session)) as honest:
        await waits(hostile.answered)
        await waits(honest.answered)
        assert server.node.media.stats()["early_peers_held"] == 2
        _, joined = await server.join(session, offer=offer(), ticket=joins["ufrag"])
        assert joined["answer"] is not None
        await waits(honest.established)
        assert not hostile.established.is_set()
        assert [peer._dtls.has_keys for peer in server.node.media._peers if peer.ufrag == ticket["ufrag"]] == [False]


async def test_who_is_held_and_never_joins_is_told(server: Running, quick: None) -> None:
    session = await server.session()
    no_head_starts(server)
    async with Phone.at(await ticket_of(server, session)) as phone:
        await waits(phone.failed)
        await ended(server, "join_missing")
        assert not phone.established.is_set()


async def test_of_many_only_the_first_are_computed_without_a_join(server: Running) -> None:
    session = await server.session()
    early = server.node.media._peers.early
    early._clock = lambda: early._counted_at
    for host in range(4):
        for _ in range(20):
            early.begin(server.node.media.ticket(session).ufrag, f"192.0.2.{host}:5000")
    stats = server.node.media.stats()
    assert (stats["early_peers"], stats["early_peers_held"]) == (80, 80 - HEAD_STARTS_AT_ONCE)


def test_tickets_of_two_keys_know_nothing_of_each_other() -> None:
    ours, theirs = Tickets(bytes(32)), Tickets(bytes([1] * 32))
    ufrag = theirs.mint("s")
    assert ours.password(ufrag) != theirs.password(ufrag)


async def test_metrics_name_all_reasons_from_the_start(server: Running) -> None:
    text = (await httpx.AsyncClient(trust_env=False).get(f"{server.http.base_url}/metrics")).text
    for reason in ("connect_timeout", "dtls_failed", "join_missing", "wrong_fingerprint"):
        assert f'livetrial_peers_ended_total{{reason="{reason}"}} 0' in text
