"""Joins that are no joins, beside the storm: from hosts of their own, each with a ticket that a page load brought."""

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import Callable
from typing import cast

from OpenSSL import SSL

from loadtests.storm.association import Association, certificate, connectivity_check

KINDS = ("no_join", "no_handshake", "forged", "wrong_password", "spent")
"""Shakes hands and never joins; checks and says no more; a ticket of another key; of ours, with a wrong password; used before."""

HOSTS = 8
"""Addresses of loopback (127.0.1.1 and so on): what is rationed by host is rationed here too."""

PATIENCE_S = 2.0


class Attacker(asyncio.DatagramProtocol):
    """One attempt. `shakes_hands`: as far as DTLS goes."""

    def __init__(self, check: bytes, *, shakes_hands: bool) -> None:
        self._check = check
        self._association = Association() if shakes_hands else None
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Check, twice."""
        self._transport = cast(asyncio.DatagramTransport, transport)
        self._transport.sendto(self._check)
        self._transport.sendto(self._check)

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Answer DTLS."""
        if self._association is None or self._transport is None or not data or not 20 <= data[0] < 64:
            return
        try:
            if answer := self._association.handshake(data):
                self._transport.sendto(answer)
        except SSL.Error:
            self._association = None


class Pages:
    """Loads tickets over one connection, as cheaply as it can be done."""

    def __init__(self, host: str, port: int, session: str) -> None:
        self._address, self._path = (host, port), f"/api/v1/tickets/{session}"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ticket(self) -> tuple[str, str]:
        """A ticket's ufrag and password."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address)
        reader, writer = self._streams
        writer.write(f"GET {self._path} HTTP/1.1\r\nHost: storm\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        ticket = json.loads(await reader.readexactly(length))
        return ticket["ufrag"], ticket["pwd"]


class Hostile:
    """Attempts at a rate, in turn of each kind.

    Args:
        http_port, media_port: the server's, on loopback.
        session: whose tickets are loaded.
        per_s: attempts a second.
    """

    def __init__(self, http_port: int, media_port: int, session: str, per_s: float) -> None:
        self._pages = Pages("127.0.0.1", http_port, session)
        self._media = ("127.0.0.1", media_port)
        self._per_s = per_s
        self._spent: tuple[str, str] | None = None
        self.made: Counter[str] = Counter()

    async def run(self, over: Callable[[], bool]) -> None:
        """Go on until it is over."""
        certificate()
        clock = asyncio.get_running_loop().time
        began, number = clock(), 0
        while not over():
            await asyncio.sleep(max(0.0, began + number / self._per_s - clock()))
            await self._attempt(KINDS[number % len(KINDS)], f"127.0.1.{1 + number % HOSTS}")
            number += 1

    async def _attempt(self, kind: str, host: str) -> None:
        ufrag, password = await self._pages.ticket()
        if kind == "forged":
            ufrag = ufrag[:-24] + secrets.token_hex(12)
        elif kind == "wrong_password":
            password = secrets.token_hex(24)
        elif kind == "spent" and self._spent is not None:
            ufrag, password = self._spent
        elif kind == "no_handshake":
            self._spent = ufrag, password
        check = connectivity_check(ufrag, password)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: Attacker(check, shakes_hands=kind == "no_join"), local_addr=(host, 0), remote_addr=self._media
        )
        loop.call_later(PATIENCE_S, transport.close)
        self.made[kind] += 1
