"""The link with real sockets: what goes in comes out, delayed, and the log tells of it. Exact figures are in its own tests."""

import asyncio
import time
from contextlib import closing
from pathlib import Path

import pytest

from loadtests.link import control, packet_log
from loadtests.link.config import Bursts, Listener, Policer, Reorder, Steps, Trace
from loadtests.link.config import Path as Direction
from loadtests.link.control import Link, LinkError
from loadtests.link.packet_log import Fate, Kind, Way

DELAY_MS = 30
GUARD_S = 20.0


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    control.build()


class Echo(asyncio.DatagramProtocol):
    """Sends back what comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._transport.sendto(data, addr)  # type: ignore[attr-defined]


class Queue(asyncio.DatagramProtocol):
    """Keeps what comes, with its time."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.received.put_nowait((time.monotonic_ns(), data))


def address(text: str) -> tuple[str, int]:
    host, port = text.split(":")
    return host, int(port)


async def echo_server() -> tuple[asyncio.DatagramTransport, str]:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    return transport, "{}:{}".format(*transport.get_extra_info("sockname"))


async def first_octet(of: str) -> bytes:
    reader, writer = await asyncio.open_connection(*address(of))
    with closing(writer):
        return await reader.readexactly(1)


async def test_datagrams_go_there_and_back_and_stand_in_the_log(tmp_path: Path) -> None:
    server, target = await echo_server()
    log = tmp_path / "packets.log"
    direction = Direction(delay_ms=DELAY_MS)
    async with (
        asyncio.timeout(GUARD_S),
        Link.start(direction, direction, listeners=[Listener("media", udp=True, tcp=True)], log=log) as link,
    ):
        await link.target("media", target)
        transport, queue = await asyncio.get_running_loop().create_datagram_endpoint(
            Queue, remote_addr=address(link.addresses["media"])
        )
        sent_at = time.monotonic_ns()
        transport.sendto(b"\x80\x60\x00\x07" + bytes(8))
        received_at, data = await queue.received.get()
        stats = await link.stats()
        transport.close()
    server.close()
    assert data[:4] == b"\x80\x60\x00\x07"
    assert received_at - sent_at >= 2 * DELAY_MS * 1_000_000
    assert stats["up"]["delivered"] == stats["down"]["delivered"] == 1
    up, down = packet_log.read(log)
    assert (up["way"], down["way"]) == (Way.UP, Way.DOWN)
    assert up["kind"] == down["kind"] == Kind.RTP
    assert (up["detail"], up["sequence"], up["octets"]) == (96, 7, 12 + 28)
    assert up["fate"] == Fate.DELIVERED
    assert up["out"] - up["arrived"] == DELAY_MS * 1_000_000
    assert sent_at <= up["arrived"] <= up["out"] <= down["arrived"] <= received_at


async def test_a_connection_costs_a_round_trip_and_carries_octets_both_ways(tmp_path: Path) -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    target = "{}:{}".format(*server.sockets[0].getsockname())
    log = tmp_path / "packets.log"
    direction = Direction(delay_ms=DELAY_MS)
    async with (
        asyncio.timeout(GUARD_S),
        Link.start(direction, direction, listeners=[Listener("http", tcp=True, target=target)], log=log) as link,
    ):
        began = time.monotonic_ns()
        reader, writer = await asyncio.open_connection(*address(link.addresses["http"]))
        text = b"octets " * 20_000
        writer.write(text)
        writer.write_eof()
        assert await reader.read() == text.upper()
        ended = time.monotonic_ns()
        writer.close()
        await link.stats()
    server.close()
    # Set-up, then at least one round trip for what was asked.
    assert ended - began >= 4 * DELAY_MS * 1_000_000
    records = packet_log.read(log)
    opening = records[records["kind"] == Kind.TCP_OPEN]
    data = records[records["kind"] == Kind.TCP_DATA]
    assert list(opening["way"]) == [Way.UP, Way.DOWN]
    assert data["arrived"].min() >= opening["out"].max()


async def test_a_refused_connection_is_closed_for_the_client_too() -> None:
    nobody = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    target = "{}:{}".format(*nobody.sockets[0].getsockname())
    nobody.close()
    await nobody.wait_closed()
    async with (
        asyncio.timeout(GUARD_S),
        Link.start(Direction(), Direction(), listeners=[Listener("http", tcp=True, target=target)]) as link,
    ):
        # The reset may come before the client has seen its connection open.
        with pytest.raises(ConnectionError):
            await first_octet(link.addresses["http"])


async def test_an_outage_loses_what_it_meets() -> None:
    server, target = await echo_server()
    async with (
        asyncio.timeout(GUARD_S),
        Link.start(Direction(), Direction(), listeners=[Listener("media", udp=True, target=target)]) as link,
    ):
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            Queue, remote_addr=address(link.addresses["media"])
        )
        await link.outage("up", 60_000)
        transport.sendto(b"lost")
        while (stats := await link.stats())["up"]["packets"] == 0:  # each asks the loop that also reads the socket
            pass
        transport.close()
    server.close()
    assert stats["up"]["outage"] == 1


async def test_what_is_beyond_a_policer_stands_in_the_log_and_the_counters(tmp_path: Path) -> None:
    server, target = await echo_server()
    log = tmp_path / "packets.log"
    # A bit a second: what is taken does not come back.
    policed = Direction(policer=Policer(1, 1500))
    async with (
        asyncio.timeout(GUARD_S),
        Link.start(policed, Direction(), listeners=[Listener("media", udp=True, target=target)], log=log) as link,
    ):
        transport, queue = await asyncio.get_running_loop().create_datagram_endpoint(
            Queue, remote_addr=address(link.addresses["media"])
        )
        for octets in (1000, 1000, 100):
            transport.sendto(bytes(octets))
        received = [len((await queue.received.get())[1]) for _ in range(2)]
        stats = await link.stats()
        transport.close()
    server.close()
    assert received == [1000, 100]
    assert (stats["up"]["delivered"], stats["up"]["policed"], stats["down"]["policed"]) == (2, 1, 0)
    records = packet_log.read(log)
    (dropped,) = records[records["fate"] == Fate.POLICED]
    assert (dropped["way"], dropped["octets"], dropped["left"], dropped["out"]) == (Way.UP, 1000 + 28, 0, 0)


async def test_every_setting_is_understood_and_nonsense_refused_in_words() -> None:
    everything = Direction(
        rate=Trace("norway_bus_11"),
        queue_ms=300,
        queue_octets=100_000,
        policer=Policer(1e6, 30_000),
        delay_ms=10,
        jitter_ms=5,
        loss=0.1,
        bursts=Bursts(400, 100),
        reorder=Reorder(0.1, 20),
        duplicate=0.1,
    )
    async with asyncio.timeout(GUARD_S), Link.start(everything, Direction(rate=1e6), listeners=[]) as link:
        await link.set("both", Direction(rate=Steps(((0, 1e6), (5, 2e6)), repeat_s=10)))
        with pytest.raises(LinkError, match="between 0 and 1"):
            await link.set("up", Direction(loss=2))
        with pytest.raises(LinkError, match="packet of 1500 octets"):
            await link.set("up", Direction(policer=Policer(1e6, 1499)))
        with pytest.raises(LinkError, match="cannot be read"):
            await link.set("up", Direction(rate=Trace("no_such_place")))
        assert (await link.stats())["up"]["rate"] == 1e6
