"""What an offer and its answer settled. ICE can begin anew upon it (RFC 8445 section 9); all else stays as it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from media import answer
from media.answer import AnsweredSection, Transport
from media.errors import BadOffer
from media.offer import Offer
from media.peer import Peer


@dataclass(eq=False)
class Negotiated:
    """One peer's description. `version` is that of the answer's o-line, which grows with each restart (RFC 8866 section 5.2)."""

    offer: Offer
    answers: Sequence[AnsweredSection]
    transport: Transport
    peer: Peer
    version: int = 1

    def answer(self) -> str:
        """The answer as it stands."""
        return answer.write(self.offer, self.answers, self.transport, self.version)

    def restart(self, offer: str) -> str:
        """Take an offer that restarts ICE; returns the answer with fresh credentials.

        The client's own credentials are not looked at: a lite agent makes no checks. Media go on over the path in use until
        the client nominates one of the new session.

        Raises:
            BadOffer: it wants to change more than ICE.
        """
        _require_same(self.offer, Offer.parse(offer))
        self._begin_anew()
        return self.answer()

    def restart_fragment(self) -> str:
        """Restart ICE for a client that told its new credentials alone (RFC 9725 section 4.3.3); returns ours as a fragment."""
        self._begin_anew()
        return answer.write_fragment(self.offer, self.answers, self.transport)

    def _begin_anew(self) -> None:
        ufrag, pwd = self.peer.restart_ice()
        self.transport = replace(self.transport, ufrag=ufrag, pwd=pwd)
        self.version += 1


def _require_same(before: Offer, offer: Offer) -> None:
    """Keys and DTLS belong to the certificate, slots to the sections: another of either is another connection."""
    if set(offer.fingerprints) != set(before.fingerprints):
        raise BadOffer(
            "an ICE restart keeps the certificate; this offer has another a=fingerprint, make a new connection"
        )
    if [(s.mid, s.kind) for s in offer.sections] != [(s.mid, s.kind) for s in before.sections]:
        raise BadOffer("an ICE restart keeps the media sections; this offer has others, make a new connection")
