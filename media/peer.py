"""A peer: one ICE, DTLS and SRTP association, from its first check to its end."""

import asyncio
import base64
import logging
import os
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from media.dtls import NodeCertificate, PlaneDtlsTransport, SrtpKeys
from media.link import PlaneLink
from media.negotiation import DtlsRole

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 15.0
"""From the answer to keys. A browser gives up checking after about 15 s itself."""

JOIN_TIMEOUT_S = 5.0
"""How long a peer that came with a ticket may be without its `join`."""

REFUSE_TIMEOUT_S = 1.0
"""How long somebody who is refused may take to hear it in words."""

MEDIA_AFTER_MS = 8
"""A browser loses what comes upon our last flight at once; behind so many milliseconds none did (24 of 24, with Firefox)."""


def ice_credentials() -> tuple[str, str]:
    """A ufrag and a password with 48 and 192 bits of randomness (RFC 8445 section 5.3 asks for 24 and 128)."""
    ufrag, pwd = (base64.b64encode(os.urandom(size), b"+/").decode() for size in (6, 24))
    return ufrag, pwd


class Peer:
    """Brings up the association and watches it.

    Args:
        link: the plane.
        certificate: the node's.
        role: our DTLS role, from the offer.
        both_profiles: offer AES128_CM_SHA1_80 as DTLS client too.
        fingerprints: of the offer; None where the peer came with a ticket, before its offer: `authorise` brings them.
        held: without them compute nothing of the handshake; its first flight leaves.
        extensions: header extension ids of the bundle, by the plane's names.
        credentials: our ufrag and password; None: new ones.
        endings: counts the reason of each end, `closed` where it was we who wanted it.
        sends: media go to the peer; they wait a little behind our last flight.
        on_closed: called once with a reason code when the association ended and `close` was not called:
            `connect_timeout`, `dtls_failed`, `wrong_fingerprint`, `join_missing`, `lost` (silence) or `left` (the peer closed it).
    """

    def __init__(
        self,
        link: PlaneLink,
        certificate: NodeCertificate,
        *,
        role: DtlsRole,
        both_profiles: bool,
        fingerprints: tuple[tuple[str, str], ...] | None,
        extensions: dict[str, int],
        sends: bool,
        endings: Counter[str],
        on_closed: Callable[[str], None],
        credentials: tuple[str, str] | None = None,
        held: bool = False,
    ) -> None:
        self.id = link.next_id()
        self.ufrag, self.pwd = credentials or ice_credentials()
        self.made_at = time.monotonic()
        """Of a peer that came with a ticket: when it came."""
        self.link = link
        loop = asyncio.get_running_loop()
        self._fingerprints = fingerprints
        self._keys: SrtpKeys | None = None
        self._refused: str | None = None
        self._patience = loop.call_later(JOIN_TIMEOUT_S, self._no_join) if fingerprints is None else None
        self._deadline = loop.call_later(CONNECT_TIMEOUT_S, self._end, "connect_timeout")
        self._on_closed = on_closed
        self._endings = endings
        self._began_at: float | None = None
        self._on_began: Callable[[float], None] | None = None
        self._dtls = PlaneDtlsTransport(
            self._send,
            certificate,
            role,
            both_profiles=both_profiles,
            hears=self,
            on_first_flight=self._follow_checks,
        )
        if held and fingerprints is None:
            self._dtls.hold()
        self._hold_ms = MEDIA_AFTER_MS if sends else 0
        self._connected = self._ended = False
        link.attach(self.id, self)
        link.plane.add_peer(self.id, local_ufrag=self.ufrag, local_pwd=self.pwd, extensions=extensions)

    def authorise(
        self,
        fingerprints: tuple[tuple[str, str], ...],
        extensions: dict[str, int],
        on_closed: Callable[[str], None],
    ) -> None:
        """The offer of a peer that came with a ticket, from somebody who may join: media begin when DTLS proves a fingerprint."""
        self._on_closed = on_closed
        self.link.plane.set_extensions(self.id, extensions=extensions)
        self._stop_waiting()
        if self._refused is None:  # or it is on its way out, and says so
            self._fingerprints = fingerprints
            # Not within this call: the answer is on its way before the handshake computes, and whoever calls is not told of an end yet.
            asyncio.get_running_loop().call_soon(self._guarded, self._go_on)

    def when_media_begin(self, told: Callable[[float], None]) -> None:
        """Have `told` called with the time of `time.monotonic` at which media began; at once where they have."""
        if self._began_at is not None:
            told(self._began_at)
        else:
            self._on_began = told

    def on_connected(self, address: str) -> None:
        """The plane answered the first check, so that DTLS can reach the peer."""
        if not self._connected:
            self._connected = True
            self._guarded(self._dtls.begin)

    def on_datagram(self, datagram: bytes) -> None:
        """A DTLS datagram arrived."""
        self._guarded(partial(self._dtls.receive, datagram))

    def on_began(self) -> None:
        """The media gate opened."""
        self._began_at = time.monotonic()
        if self._on_began is not None:
            self._on_began(self._began_at)
            self._on_began = None

    def on_lost(self) -> None:
        """Nothing authenticated came for the liveness timeout."""
        self._end("lost")

    def restart_ice(self) -> tuple[str, str]:
        """Begin another ICE session (RFC 8445 section 9); returns its ufrag and password. Keys, and the path in use, stay."""
        self.ufrag, self.pwd = ice_credentials()
        self.link.plane.restart_ice(self.id, local_ufrag=self.ufrag, local_pwd=self.pwd)
        return self.ufrag, self.pwd

    def close(self) -> None:
        """Say goodbye by DTLS and forget the peer. Idempotent."""
        if self._ended:
            return
        self._ended = True
        self._endings["closed"] += 1
        self._release()

    def on_keys(self, keys: SrtpKeys) -> None:
        """DTLS has keys, and what the peer says it is."""
        self._keys = keys
        self._admit()

    def on_finished(self) -> None:
        """DTLS is over."""
        if self._refused is not None:
            return self._end(self._refused)
        if self._fingerprints is not None:
            self._deadline.cancel()
        if self._dtls.finished_late:
            self.link.plane.show_again(self.id)

    def on_failed(self, reason: str) -> None:
        """DTLS will not be."""
        logger.info("peer %d: %s", self.id, reason)
        self._end(self._refused or "dtls_failed")

    def on_left(self) -> None:
        """The peer closed DTLS."""
        self._end("left")

    def _go_on(self) -> None:
        """There is a `join`."""
        if not self._ended:
            with self.link.together():
                self._dtls.release()
                self._admit()

    def _admit(self) -> None:
        """Once there are both, keys and who may hold them: open the media, or say that there will be none."""
        keys, fingerprints = self._keys, self._fingerprints
        if keys is None or fingerprints is None:
            return
        self._keys = None  # the plane has them from here on
        if not self._dtls.matches(fingerprints):
            return self._refuse("wrong_fingerprint")
        self._open_media(keys)
        if self._dtls.has_finished:
            self._deadline.cancel()

    def _open_media(self, keys: SrtpKeys) -> None:
        self.link.plane.set_keys(
            self.id,
            profile=keys.profile,
            send_key=keys.send_key,
            send_salt=keys.send_salt,
            receive_key=keys.receive_key,
            receive_salt=keys.receive_salt,
            media_after_ms=self._hold_ms,
        )

    def _refuse(self, reason: str) -> None:
        """Close DTLS in words, or the browser stays connected to nobody. Words need the handshake's end."""
        logger.info("peer %d gets no media: %s", self.id, reason)
        self._refused = reason
        if self._dtls.has_finished:
            return self._end(reason)
        self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(REFUSE_TIMEOUT_S, self._end, reason)

    def _guarded(self, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception:  # whatever OpenSSL or aiortc make of a hostile datagram ends this peer alone
            logger.exception("peer %d: DTLS broke", self.id)
            self._end("dtls_failed")

    def _send(self, datagram: bytes) -> None:
        self.link.plane.send_dtls(self.id, datagram)

    def _follow_checks(self, flight: list[bytes]) -> None:
        self.link.plane.follow_checks(self.id, flight)

    def _no_join(self) -> None:
        """Time is up for whoever came with a ticket, whether or not it shook hands."""
        self._patience = None
        if self._dtls.has_keys:
            self._refuse("join_missing")
        else:
            self._end("join_missing")

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _end(self, reason: str) -> None:
        if self._ended:
            return
        self._ended = True
        self._endings[reason] += 1
        told = self._on_closed
        self._release()
        told(reason)

    def _release(self) -> None:
        """Say goodbye, and let go of all that hold this peer and are held by it: cycles are found late, and all in one long pause."""
        self._stop_waiting()
        self._deadline.cancel()
        self._dtls.stop()
        self.link.detach(self.id)
        self.link.plane.remove_peer(self.id)
        self._on_closed, self._on_began = _nobody, None


def _nobody(reason: str) -> None: ...
