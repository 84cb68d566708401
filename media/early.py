"""Peers that came with a ticket, before their `join`: bounded in number and time."""

import ipaddress
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


class EarlyPeers:
    """Begins DTLS for who holds a ticket, and hands the peer over when the `join` comes.

    Args:
        tickets: of this node.
        make: makes the peer from its ufrag, and calls what it is given when the peer ends. What is not made the plane forgets.
    """

    def __init__(
        self,
        tickets: Tickets,
        make: Callable[[str, Callable[[str], None]], Peer],
    ) -> None:
        self.refused = 0
        """Tickets that were good, and came when there were too many."""
        self._tickets = tickets
        self._make = make
        self._peers: dict[str, tuple[Peer, str]] = {}
        self._hosts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._peers)

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
        self._peers[ufrag] = self._make(ufrag, ended), host

    def claim(self, ufrag: str) -> Peer | None:
        """The `join` of a good ticket has come: its peer, to be authorised, or None where the `join` was faster.

        Raises:
            TicketRefused: the ticket was used before.
        """
        early = self._ended(ufrag)
        if early is None:
            self._tickets.spend(ufrag)
        return early

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
