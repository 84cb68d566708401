"""Tickets: what a page must know to write the answer itself, so that ICE and DTLS begin while its `join` is on the way.

A ticket has no state until it is used: its ufrag says which session it is for and until when, its password and SSRCs are derived
from the ufrag with the node's key. `Plane.accept_tickets` describes the octets; the plane answers checks by the same key.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from media.errors import TicketRefused

LIFETIME_S = 120
"""From the page load to the tap; the client fetches another one before."""

MAX_SPENT = 50_000
"""Tickets that are remembered until they expire, as in the plane."""

_VERSION = b"\x01"
_TAG_OCTETS = 8
_CLAIMS_OCTETS = 21
_MAC_OCTETS = 12
_PASSWORD_OCTETS = 24


@dataclass(frozen=True, slots=True)
class TicketStream:
    """What a slot's section of the answer says of its stream; `rtx_ssrc` where the offer has retransmissions, `fec_ssrc` where
    it has repair packets of video and the receiver reports what arrives."""

    slot: str
    ssrc: int
    rtx_ssrc: int
    fec_ssrc: int
    cname: str
    stream: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """All that an answer is made of beside the offer. `codecs` and `extensions` are what is accepted of an offer: a codec's
    canonical name, in which `*` stands for anything; `feedback` is that of every video codec;
    `lifetime_s` counts from when it was made, because a phone's clock may be wrong."""

    ufrag: str
    pwd: str
    lifetime_s: int
    fingerprint: str
    candidates: list[str]
    codecs: list[str]
    extensions: list[str]
    feedback: list[str]
    video: list[TicketStream]
    audio: list[TicketStream]


class Tickets:
    """Makes and checks tickets.

    Args:
        key: 32 octets, the plane's too.
        clock: seconds since 1970.
    """

    def __init__(self, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock
        self._spent: dict[str, float] = {}

    def mint(self, room: str) -> str:
        """A new ticket's ufrag."""
        expires = int(self._clock()) + LIFETIME_S
        claims = _VERSION + expires.to_bytes(4) + _tag(room) + secrets.token_bytes(8)
        return (claims + self._mac(claims)).hex()

    def expires_s(self, ufrag: str) -> int:
        """When a ticket of ours expires, in seconds since 1970."""
        return int.from_bytes(bytes.fromhex(ufrag)[1:5])

    def password(self, ufrag: str) -> str:
        """The password of a ticket."""
        return self._derive(b"pwd", ufrag)[:_PASSWORD_OCTETS].hex()

    def ssrcs(self, ufrag: str, slot: str) -> tuple[int, int, int]:
        """SSRCs of a slot's media, retransmissions and repair packets, not 0 and not equal."""
        octets = self._derive(b"ssrc", ufrag + slot)
        ssrc, rtx_ssrc, fec_ssrc = (int.from_bytes(octets[at : at + 4]) for at in (0, 4, 8))
        ssrc, rtx_ssrc, fec_ssrc = ssrc | 1, rtx_ssrc & ~1 or 2, fec_ssrc | 1
        return ssrc, rtx_ssrc, fec_ssrc ^ 2 if fec_ssrc == ssrc else fec_ssrc

    def check(self, ufrag: str, room: str) -> None:
        """See whether a ticket is good for a room.

        Raises:
            TicketRefused: with the reason.
        """
        octets = _octets(ufrag)
        claims, mac = octets[:_CLAIMS_OCTETS], octets[_CLAIMS_OCTETS:]
        if octets[:1] != _VERSION or not hmac.compare_digest(mac, self._mac(claims)):
            raise TicketRefused("this is no ticket of this node", "forged")
        if claims[5 : 5 + _TAG_OCTETS] != _tag(room):
            raise TicketRefused("the ticket is for another session", "other_session")
        if self.expires_s(ufrag) <= self._clock():
            raise TicketRefused("the ticket has expired", "expired")

    def is_spent(self, ufrag: str) -> bool:
        """Whether a ticket was used."""
        return ufrag in self._spent

    def spend(self, ufrag: str) -> None:
        """A good ticket is used now.

        Raises:
            TicketRefused: it was used before, or too many were lately.
        """
        if ufrag in self._spent:
            raise TicketRefused("the ticket was used before", "spent")
        if len(self._spent) >= MAX_SPENT:
            now = self._clock()
            self._spent = {known: expires for known, expires in self._spent.items() if expires > now}
        if len(self._spent) >= MAX_SPENT:
            raise TicketRefused("too many tickets were used lately", "too_many")
        self._spent[ufrag] = self.expires_s(ufrag)

    def _mac(self, claims: bytes) -> bytes:
        return hmac.digest(self._key, b"mac" + claims, "sha256")[:_MAC_OCTETS]

    def _derive(self, purpose: bytes, text: str) -> bytes:
        return hmac.digest(self._key, purpose + text.encode(), "sha256")


def _tag(room: str) -> bytes:
    return hashlib.sha256(room.encode()).digest()[:_TAG_OCTETS]


def _octets(ufrag: str) -> bytes:
    try:
        octets = bytes.fromhex(ufrag)
    except ValueError:
        octets = b""
    if len(octets) != _CLAIMS_OCTETS + _MAC_OCTETS or octets.hex() != ufrag:
        raise TicketRefused("this is no ticket", "malformed")
    return octets
