"""The peers of one node: made of an offer and its answer, or by a ticket before there is either, and known until they end."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from media import negotiation
from media.announced import Announced
from media.answer import AnsweredSection, Candidate, Transport
from media.config import MediaConfig
from media.dtls import NodeCertificate
from media.early import EarlyPeers
from media.link import PlaneLink
from media.negotiated import Negotiated
from media.offer import Offer
from media.peer import Peer
from media.tickets import Tickets


class Peers:
    """Makes peers with the certificate of this node, reached where it is announced.

    Args:
        link: the plane.
        config: where the port is announced; a text that is no address raises ValueError.
        tickets: of this node.
        endings: counts the reason of each end; see `Peer`.
    """

    def __init__(self, link: PlaneLink, config: MediaConfig, tickets: Tickets, endings: Counter[str]) -> None:
        self.early = EarlyPeers(tickets, self._make_early)
        """Those who came with a ticket, and whose `join` has not come."""
        self._link = link
        self._config = config
        self._announced = [Announced.parse(text) for text in config.announced]
        self._tickets = tickets
        self._endings = endings
        self._certificate: NodeCertificate = NodeCertificate.generateCertificate()
        self._peers: set[Peer] = set()

    def __iter__(self) -> Iterator[Peer]:
        return iter(list(self._peers))

    @property
    def fingerprint(self) -> str:
        """Of the node's certificate, by SHA-256."""
        return self._certificate.sha256

    def candidates(self) -> list[Candidate]:
        """Where the port is reached. UDP first, so that clients try it first.

        Raises:
            Busy: the plane does not run.
        """
        config, port = self._config, self._link.plane.port
        udp = [Candidate("udp", to.address, to.port or port) for to in self._announced if config.udp_announced]
        return udp + [Candidate("tcp", to.address, to.port or port) for to in self._announced if config.tcp]

    def make(
        self,
        offer: Offer,
        answers: Sequence[AnsweredSection],
        *,
        prefer_passive: bool,
        on_closed: Callable[[str], None],
        ticket: str | None = None,
    ) -> Negotiated:
        """A peer for an offer that is answered so; with a good ticket the one that has come by it, if it has.

        Raises:
            TicketRefused: the ticket was used before.
            Busy: the plane does not run.
        """
        role = negotiation.dtls_role(offer, prefer_passive=prefer_passive)
        extensions = negotiation.plane_extensions(answered.extensions or {} for answered in answers)
        candidates = self.candidates()
        peer = self.early.claim(ticket) if ticket is not None else None
        if peer is not None:
            peer.authorise(offer.fingerprints, extensions, on_closed)
        else:
            peer = Peer(
                self._link,
                self._certificate,
                role=role,
                both_profiles=prefer_passive,
                fingerprints=offer.fingerprints,
                extensions=extensions,
                sends=any(answered.stream is not None for answered in answers),
                endings=self._endings,
                on_closed=on_closed,
                credentials=None if ticket is None else (ticket, self._tickets.password(ticket)),
            )
            self._peers.add(peer)
        return Negotiated(offer, answers, Transport(peer.ufrag, peer.pwd, self.fingerprint, role, candidates), peer)

    def forget(self, peer: Peer) -> None:
        """One has ended."""
        self._peers.discard(peer)

    def close(self) -> None:
        """End all of them."""
        for peer in self:
            peer.close()

    def _make_early(self, ufrag: str, held: bool, on_closed: Callable[[str], None]) -> Peer:
        """The peer of a ticket whose `join` has not come; `held`: it is to wait for that."""

        def closed(reason: str) -> None:
            self.forget(peer)
            on_closed(reason)

        peer = Peer(
            self._link,
            self._certificate,
            role="client",
            both_profiles=False,
            fingerprints=None,
            extensions={},
            sends=True,
            endings=self._endings,
            on_closed=closed,
            credentials=(ufrag, self._tickets.password(ufrag)),
            held=held,
        )
        self._peers.add(peer)
        return peer
