"""Peers that came with a ticket, before their `join`: bounded in number and time."""

from collections.abc import Callable

from media.errors import TicketRefused
from media.peer import Peer
from media.tickets import Tickets

MAX_EARLY = 512
"""Handshakes without a `join` at once; each lives for seconds. Who comes beyond that joins without a ticket."""


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
        self._peers: dict[str, Peer] = {}

    def __len__(self) -> int:
        return len(self._peers)

    def begin(self, ufrag: str) -> None:
        """The plane answered the first check of a ticket. Where the `join` was faster, its peer has taken over already."""
        if self._tickets.is_spent(ufrag):
            return
        if not self._has_room(ufrag):
            self.refused += 1
            return
        self._peers[ufrag] = self._make(ufrag, lambda reason: self._ended(ufrag))

    def claim(self, ufrag: str) -> Peer | None:
        """The `join` of a good ticket has come: its peer, to be authorised, or None where the `join` was faster.

        Raises:
            TicketRefused: the ticket was used before.
        """
        early = self._peers.pop(ufrag, None)
        if early is None:
            self._tickets.spend(ufrag)
        return early

    def _has_room(self, ufrag: str) -> bool:
        if len(self._peers) >= MAX_EARLY:
            return False
        try:
            self._tickets.spend(ufrag)
        except TicketRefused:
            return False
        return True

    def _ended(self, ufrag: str) -> None:
        self._peers.pop(ufrag, None)
