"""Peers that came with a ticket, before their `join`: bounded in number and time."""

import ipaddress
import time
from collections import Counter
from collections.abc import Callable

from media.errors import TicketRefused
from media.peer import Peer
from media.tickets import Tickets

MAX_EARLY = 512
"""Handshakes without a `join` at once; each lives for seconds. Who comes beyond that is begun with when the `join` comes."""

MAX_EARLY_A_HOST = 64
"""Of these, from one host. A `join` follows within a round trip, so this is hundreds a second behind one address translator; whoever
holds tickets and never joins costs us a dozen handshakes a second and no more."""

HEAD_STARTS_PER_S = 30.0
HEAD_STARTS_AT_ONCE = 30
"""Handshakes that are computed before the `join` is there. Of all others the first flight leaves, and what the peer answers waits
for the `join`, which is mostly there by then: who never joins costs no signature and no key exchange, however many they are."""


class EarlyPeers:
    """Begins DTLS for who holds a ticket, and hands the peer over when the `join` comes.

    Args:
        tickets: of this node.
        make: makes the peer from its ufrag and whether it is held, and calls what it is given when the peer ends. What is not
            made the plane forgets.
        clock: seconds of a clock that does not go back.
    """

    def __init__(
        self,
        tickets: Tickets,
        make: Callable[[str, bool, Callable[[str], None]], Peer],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.held = 0
        """Of those that began: how many were to wait for their `join` before anything is computed."""
        self.refused = 0
        """Tickets that were good, and came when there were too many."""
        self._tickets = tickets
        self._make = make
        self._peers: dict[str, tuple[Peer, str]] = {}
        self._hosts: Counter[str] = Counter()
        self._clock = clock
        self._head_starts, self._counted_at = float(HEAD_STARTS_AT_ONCE), clock()

    def stats(self) -> dict[str, int]:
        """How many there are, and of all that came with a good ticket how many were refused and how many held."""
        return {"early_peers": len(self._peers), "early_peers_refused": self.refused, "early_peers_held": self.held}

    def begin(self, ufrag: str, address: str) -> None:
        """The plane answered the first check of a ticket, from `address`. Where the `join` was faster, its peer has taken over already."""
        if self._tickets.is_spent(ufrag):
            return
        host = _host(address)
        if not self._has_room(ufrag, host):
            self.refused += 1
            return

        def ended(reason: str) -> None:
            self._ended(ufrag)

        self._hosts[host] += 1
        held = not self._has_head_start()
        self.held += held
        self._peers[ufrag] = self._make(ufrag, held, ended), host

    def claim(self, ufrag: str) -> Peer | None:
        """The `join` of a good ticket has come: its peer, to be authorised, or None where the `join` was faster.

        Raises:
            TicketRefused: the ticket was used before.
        """
        early = self._ended(ufrag)
        if early is None:
            self._tickets.spend(ufrag)
        return early

    def _has_head_start(self) -> bool:
        now = self._clock()
        grown = self._head_starts + (now - self._counted_at) * HEAD_STARTS_PER_S
        self._head_starts, self._counted_at = min(float(HEAD_STARTS_AT_ONCE), grown), now
        if self._head_starts < 1:
            return False
        self._head_starts -= 1
        return True

    def _has_room(self, ufrag: str, host: str) -> bool:
        if len(self._peers) >= MAX_EARLY or self._hosts.get(host, 0) >= MAX_EARLY_A_HOST:
            return False
        try:
            self._tickets.spend(ufrag)
        except TicketRefused:
            return False
        return True

    def _ended(self, ufrag: str) -> Peer | None:
        """It waits no more; None where it did not."""
        if (found := self._peers.pop(ufrag, None)) is None:
            return None
        peer, host = found
        self._hosts[host] -= 1
        if not self._hosts[host]:
            del self._hosts[host]
        return peer


def _host(address: str) -> str:
    """An IPv4 address, or the 64 bits that an IPv6 subscriber is given, of "ip:port"."""
    ip = ipaddress.ip_address(address.rpartition(":")[0].strip("[]"))
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
