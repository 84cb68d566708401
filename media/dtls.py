"""aiortc's DTLS transport over the forwarding plane. All private seams of aiortc 1.16 that are used are in this file.

The seams: `_srtp_profiles`, `_setup_srtp`, `_ssl`, `_role`, `_state`, `_set_role`, `_set_state`, `State` and
`RTCCertificate._create_ssl_context`.
`tests/media/test_dtls.py` fails when one of them moves.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    RTCDtlsTransport,
    SRTPProtectionProfile,
    State,
)
from OpenSSL import SSL, crypto

from media import flights
from media.flights import Flights
from media.negotiation import DtlsRole

Profile = Literal["AEAD_AES_128_GCM", "AES128_CM_SHA1_80"]

_PROFILE_NAMES: dict[bytes, Profile] = {
    SRTP_AEAD_AES_128_GCM.openssl_profile: "AEAD_AES_128_GCM",
    SRTP_AES128_CM_SHA1_80.openssl_profile: "AES128_CM_SHA1_80",
}

DTLS_1_2 = 0xFEFD
"""aiortc reads a flight with one call of 1500 octets; DTLS 1.3's are longer."""

CIPHERS = b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA"
"""Named here, so that an update of a library cannot change them unnoticed."""

FALSE_START_CIPHER = "ECDHE-ECDSA-AES128-GCM-SHA256"
"""Where this was agreed on, media leave behind our Finished and do not wait for the peer's: forward secrecy and authenticated
encryption are what RFC 7918 asks for, and the peer has signed the key exchange by then."""

_LAST_FLIGHT_SENT = b"SSLv3/TLS write finished"

MAX_WAITING_DATAGRAMS = 16
"""Before it is their turn. A flight is four; what floods this queue is dropped."""

HANDSHAKE_FAILURE = bytes([21]) + DTLS_1_2.to_bytes(2) + bytes([0, 0, 128, 0, 0, 0, 0, 0, 0, 2, 2, 40])
"""A fatal alert in clear (RFC 5246 section 7.2.2), in a record that is newer than any before: the peer need not wait for its timer."""

_HASHES = {"sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}
"""SDP's names of those that count, and OpenSSL's."""


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """What DTLS settled on (RFC 5764 section 4.2), for what we send and what we receive."""

    profile: Profile
    send_key: bytes
    send_salt: bytes
    receive_key: bytes
    receive_salt: bytes


class NodeCertificate(RTCCertificate):  # type: ignore[misc]  # aiortc is not typed
    """The node's certificate, with one SSL context a list of profiles: making a context is half of a join's work."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._contexts: dict[tuple[bytes, ...], SSL.Context] = {}

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        key = tuple(profile.openssl_profile for profile in srtp_profiles)
        if key not in self._contexts:
            context = super()._create_ssl_context(srtp_profiles=srtp_profiles)
            context.set_min_proto_version(DTLS_1_2)
            context.set_max_proto_version(DTLS_1_2)
            context.set_cipher_list(CIPHERS)
            self._contexts[key] = context
        return self._contexts[key]

    @cached_property
    def sha256(self) -> str:
        """The fingerprint as SDP writes it."""
        return next(str(f.value) for f in self.getFingerprints() if f.algorithm == "sha-256")


class Timer(Protocol):
    """What `later` gives."""

    def cancel(self) -> None: ...


@dataclass(frozen=True)
class Timing:
    """A clock in seconds, and what calls back after so many of them."""

    now: Callable[[], float]
    later: Callable[[float, Callable[[], None]], Timer]

    @classmethod
    def running(cls) -> "Timing":
        """That of the running event loop."""
        loop = asyncio.get_running_loop()
        return cls(loop.time, loop.call_later)


class Hears(Protocol):
    """What is told of a handshake, in this order; each at most once, and nothing after `stop`."""

    def on_keys(self, keys: SrtpKeys) -> None:
        """As client that is when the last flight has left, a round trip before the end. The peer's certificate is not compared
        with anything: ask `matches` before the keys are used."""

    def on_finished(self) -> None:
        """The peer has proven that it has the same keys."""

    def on_failed(self, reason: str) -> None:
        """There will be no association: no profile or cipher in common, or the peer gave up."""

    def on_left(self) -> None:
        """The peer has said goodbye."""


class PlaneDtlsTransport(RTCDtlsTransport):  # type: ignore[misc]  # aiortc is not typed
    """DTLS that hands its keys out instead of opening SRTP itself, and repeats what is lost without OpenSSL's second of patience.

    Each datagram is gone through where it arrives: aiortc's tasks, a few turns of the event loop for each datagram, are half
    of what a handshake costs.

    Args:
        send: takes a datagram to the peer.
        certificate: the node's.
        role: our role. As client AEAD_AES_128_GCM alone is offered, so that the peer cannot choose the slower profile.
        both_profiles: as client, offer AES128_CM_SHA1_80 too.
        hears: is told.
        timing: of the repetitions.
        on_first_flight: called with the ClientHello when it was sent.
    """

    def __init__(
        self,
        send: Callable[[bytes], None],
        certificate: NodeCertificate,
        role: DtlsRole,
        *,
        both_profiles: bool,
        hears: Hears,
        timing: Timing | None = None,
        on_first_flight: Callable[[list[bytes]], None] = lambda flight: None,
    ) -> None:
        super().__init__(None, [certificate])
        self._certificate = certificate
        self._set_role(role)
        gcm_only = role == "client" and not both_profiles
        self._srtp_profiles = [SRTP_AEAD_AES_128_GCM] if gcm_only else [SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80]
        self._send, self._hears = send, hears
        self._timing = timing or Timing.running()
        self._on_first_flight = on_first_flight
        self._flights = Flights()
        self._timer: Timer | None = None
        self._waiting: list[bytes] = []
        self._held = False
        self._has_keys = False
        self.finished_late = False
        """Whether the last flight, and with it media that followed at once, reached the peer by a repetition only."""

    def begin(self) -> None:
        """Shake hands."""
        self._ssl = SSL.Connection(self._certificate._create_ssl_context(srtp_profiles=self._srtp_profiles))
        if self._role == "client":
            self._ssl.set_connect_state()
        else:
            self._ssl.set_accept_state()
        self._set_state(State.CONNECTING)
        self._handshake()
        self._catch_up()

    def hold(self) -> None:
        """Leave what the peer answers until `release`: from there on a handshake is computing."""
        self._held = True

    def release(self) -> None:
        """Go on."""
        self._held = False
        if self._state is State.CONNECTING:
            self._catch_up()

    @property
    def has_finished(self) -> bool:
        """Whether `on_finished` was called."""
        return bool(self._state is State.CONNECTED)

    @property
    def has_keys(self) -> bool:
        """Whether `on_keys` was called."""
        return self._has_keys

    def receive(self, datagram: bytes) -> bool:
        """Take a datagram of the peer; False when it was dropped because too many wait."""
        if self._state is State.CONNECTING or self._state is State.CONNECTED:
            self._transmit(self._flights.received(datagram, self._timing.now()))
            if not self._held:
                self._take(datagram)
                return True
            self._silence()  # it has answered
        elif self._state is not State.NEW:
            return False
        if len(self._waiting) >= MAX_WAITING_DATAGRAMS:
            return False
        self._waiting.append(datagram)
        return True

    def matches(self, fingerprints: tuple[tuple[str, str], ...]) -> bool:
        """Whether the peer's certificate is the one that its offer names: by each hash that we know, and by one at least (RFC 8122)."""
        known = [(_HASHES[algorithm], value) for algorithm, value in fingerprints if algorithm in _HASHES]
        # OpenSSL's own certificate is not read anew, as one of `cryptography` would be.
        certificate = crypto.dump_certificate(crypto.FILETYPE_ASN1, self._ssl.get_peer_certificate())
        return bool(known) and all(
            value.upper() == hashlib.new(name, certificate).digest().hex(":").upper() for name, value in known
        )

    def stop(self) -> None:
        """Say goodbye and stop; nothing is told any more. Idempotent."""
        self._silence()
        if self._state is State.CONNECTING or self._state is State.CONNECTED:
            with contextlib.suppress(SSL.Error):  # there is nothing to say in the midst of a handshake
                self._ssl.shutdown()
            self._transmit(flights.datagrams(self._written()))
            if self._state is State.CONNECTING:
                self._transmit([HANDSHAKE_FAILURE])
            self._set_state(State.CLOSED)
        self._forget()

    def _forget(self) -> None:
        """Let go of who hears: the two of them are else freed by the garbage collector alone, after long, in one long pause."""
        self._waiting = []
        self._hears, self._send, self._on_first_flight = _DEAF, _nowhere, _nothing

    def _catch_up(self) -> None:
        while self._waiting and not self._held:
            self._take(self._waiting.pop(0))

    def _take(self, datagram: bytes) -> None:
        if self._state is not State.CONNECTING and self._state is not State.CONNECTED:
            return
        self._ssl.bio_write(datagram)
        if self._state is State.CONNECTING:
            self._handshake()
        else:
            self._listen()

    def _handshake(self) -> None:
        """Go as far as it goes."""
        try:
            self._ssl.do_handshake()
        except SSL.WantReadError:
            self._say()
            if self._may_start_early():
                self._setup_srtp()
        except SSL.Error:
            self._transmit(flights.datagrams(self._written()))  # the alert
            self._fail("DTLS ended without keys: no cipher or profile in common, or the peer gave up")
        else:
            self._say()
            self.finished_late = self._flights.was_late(self._timing.now())
            self._silence()
            self._setup_srtp()
            if self._state is State.CONNECTING:
                self._set_state(State.CONNECTED)
                self._hears.on_finished()

    def _listen(self) -> None:
        """Of an association that is up: a goodbye, or what we said was lost."""
        closed = False
        try:
            self._ssl.recv(1500)
        except SSL.ZeroReturnError:
            closed = True
        except SSL.Error:
            pass  # nothing for us: what is repeated, or garbage, which may not end anything (RFC 6347 section 4.1.2.7)
        self._transmit(flights.datagrams(self._written()))
        if closed:
            hears = self._hears
            self.stop()
            hears.on_left()

    def _fail(self, reason: str) -> None:
        hears = self._hears
        self._silence()
        self._set_state(State.FAILED)
        self._forget()
        hears.on_failed(reason)

    def _say(self) -> None:
        """Send what OpenSSL wrote, and keep it as the flight that is to be answered."""
        flight = flights.datagrams(self._written())
        first = self._flights.sent_at is None
        self._flights.sent(flight, self._timing.now())
        self._transmit(flight)
        if flight and first and self._role == "client":
            self._on_first_flight(flight)
        self._set_timer()

    def _written(self) -> bytes:
        octets = b""
        with contextlib.suppress(SSL.Error):  # there is no more
            while True:
                octets += self._ssl.bio_read(65536)
        return octets

    def _may_start_early(self) -> bool:
        return bool(
            self._role == "client"
            and self._ssl.get_state_string() == _LAST_FLIGHT_SENT
            and self._ssl.get_cipher_name() == FALSE_START_CIPHER
        )

    def _setup_srtp(self) -> None:
        """Hand the keys out, unless that was done when the last flight left."""
        if self._has_keys:
            return
        name = self._ssl.get_selected_srtp_profile()
        profile = next((p for p in self._srtp_profiles if p.openssl_profile == name), None)
        if profile is None:
            return self._fail("DTLS agreed on no SRTP profile")
        self._has_keys = True
        material = self._ssl.export_keying_material(
            b"EXTRACTOR-dtls_srtp", 2 * (profile.key_length + profile.salt_length)
        )
        pairs = [profile.get_key_and_salt(material, index) for index in (0, 1)]  # the client's, the server's
        ours, theirs = pairs if self._role == "client" else reversed(pairs)
        split = profile.key_length
        keys = SrtpKeys(_PROFILE_NAMES[name], ours[:split], ours[split:], theirs[:split], theirs[split:])
        self._hears.on_keys(keys)

    def _expired(self) -> None:
        self._timer = None
        self._transmit(self._flights.expire(self._timing.now()))
        self._set_timer()

    def _transmit(self, flight: list[bytes]) -> None:
        for datagram in flight:
            self._send(datagram)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (deadline := self._flights.deadline) is not None:
            self._timer = self._timing.later(max(0.0, deadline - self._timing.now()), self._expired)

    def _silence(self) -> None:
        self._flights.finish()
        self._set_timer()


class _Deaf:
    """Hears nothing."""

    def on_keys(self, keys: SrtpKeys) -> None: ...
    def on_finished(self) -> None: ...
    def on_failed(self, reason: str) -> None: ...
    def on_left(self) -> None: ...


_DEAF = _Deaf()


def _nowhere(datagram: bytes) -> None: ...


def _nothing(flight: list[bytes]) -> None: ...
