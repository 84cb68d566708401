"""aiortc's DTLS transport over the forwarding plane. All private seams of aiortc 1.16 that are used are in this file.

The seams: `_recv` and `_send` of the transport below it, `_srtp_profiles`, `_setup_srtp`, `_ssl`, `_write_ssl`, `_set_role`,
`_set_state`, `_validate_peer_identity`, `State`, `certificate_digest` and `RTCCertificate._create_ssl_context`.
`tests/media/test_dtls.py` fails when one of them moves.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AES128_CM_SHA1_80,
    X509_DIGEST_ALGORITHMS,
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
    State,
    certificate_digest,
)
from OpenSSL import SSL

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

MAX_WAITING_DATAGRAMS = 64
"""A handshake has a dozen; what floods this queue is dropped."""


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """What DTLS settled on (RFC 5764 section 4.2), for what we send and what we receive."""

    profile: Profile
    send_key: bytes
    send_salt: bytes
    receive_key: bytes
    receive_salt: bytes


class HandshakeFailed(Exception):
    """The handshake ended without keys: no profile or cipher in common, a wrong fingerprint, or the peer gave up."""


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


class DatagramPipe:
    """The transport below DTLS: datagrams from the plane wait here, datagrams to it leave at once."""

    def __init__(self, send: Callable[[bytes], None], role: str) -> None:
        self.role = role
        self.send = send
        self.on_datagram: Callable[[bytes], None] = lambda datagram: None
        """Sees each datagram as it comes, before DTLS does."""
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_WAITING_DATAGRAMS)
        self._closed = False

    def feed(self, datagram: bytes) -> bool:
        """Hand a datagram to DTLS; False when it was dropped because too many wait."""
        self.on_datagram(datagram)
        try:
            self._waiting.put_nowait(datagram)
        except asyncio.QueueFull:
            return False
        return True

    def close(self) -> None:
        """End the DTLS transport's reading with ConnectionError."""
        self._closed = True
        if not self._waiting.full():
            self._waiting.put_nowait(None)

    async def _recv(self) -> bytes:
        datagram = None if self._closed and self._waiting.empty() else await self._waiting.get()
        if datagram is None:
            raise ConnectionError("the transport is closed")
        return datagram

    async def _send(self, data: bytes) -> None:
        self.send(data)


class PlaneDtlsTransport(RTCDtlsTransport):  # type: ignore[misc]  # aiortc is not typed
    """DTLS that hands its keys out instead of opening SRTP itself, and repeats what is lost without OpenSSL's second of patience.

    Args:
        pipe: datagrams from and to the peer.
        certificate: the node's.
        role: our role. As client AEAD_AES_128_GCM alone is offered, so that the peer cannot choose the slower profile.
        both_profiles: as client, offer AES128_CM_SHA1_80 too.
        timing: of the repetitions.
        on_first_flight: called with the ClientHello when it was sent.
    """

    def __init__(
        self,
        pipe: DatagramPipe,
        certificate: NodeCertificate,
        role: DtlsRole,
        *,
        both_profiles: bool,
        timing: Timing | None = None,
        on_first_flight: Callable[[list[bytes]], None] = lambda flight: None,
    ) -> None:
        super().__init__(pipe, [certificate])
        self._set_role(role)
        gcm_only = role == "client" and not both_profiles
        self._srtp_profiles = [SRTP_AEAD_AES_128_GCM] if gcm_only else [SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80]
        self._timing = timing or Timing.running()
        self._on_first_flight = on_first_flight
        self._flights = Flights()
        self._timer: Timer | None = None
        self._keys: asyncio.Future[SrtpKeys] = asyncio.get_running_loop().create_future()
        self._handshaking: asyncio.Task[None] | None = None
        self.finished_late = False
        """Whether the last flight, and with it media that followed at once, reached the peer by a repetition only."""
        pipe.on_datagram = self._seen

    async def keys(self) -> SrtpKeys:
        """Shake hands until there are keys. As client that is when the last flight has left, a round trip before the end.

        The peer's certificate is not compared with anything: ask `matches` before the keys are used.

        Raises:
            HandshakeFailed: with what is known of why.
        """
        if self._handshaking is None:
            self._handshaking = asyncio.create_task(self._shake_hands())
        await asyncio.wait((self._keys, self._handshaking), return_when=asyncio.FIRST_COMPLETED)
        if not self._keys.done():
            await self.finished()
        return self._keys.result()

    @property
    def has_keys(self) -> bool:
        """Whether `keys` is there."""
        return self._keys.done()

    async def finished(self) -> None:
        """Wait until the peer has proven that it has the same keys.

        Raises:
            HandshakeFailed: with what is known of why.
        """
        assert self._handshaking is not None
        await asyncio.shield(self._handshaking)
        if not self._keys.done() or self._state is not State.CONNECTED:
            raise HandshakeFailed("DTLS ended without keys: no cipher or profile in common, or the peer gave up")

    def matches(self, fingerprints: tuple[tuple[str, str], ...]) -> bool:
        """Whether the peer's certificate is the one that its offer names: by each hash that we know, and by one at least (RFC 8122)."""
        known = [(algorithm, value) for algorithm, value in fingerprints if algorithm in X509_DIGEST_ALGORITHMS]
        certificate = self._ssl.get_peer_certificate(as_cryptography=True)
        return bool(known) and all(
            value.upper() == certificate_digest(certificate, algorithm) for algorithm, value in known
        )

    async def stop(self) -> None:
        """Say goodbye and stop. Idempotent."""
        self._silence()
        if self._handshaking is not None:
            self._handshaking.cancel()
        await super().stop()

    async def closed(self) -> None:
        """Wait until the peer closes DTLS or the pipe is closed."""
        while self._state is not State.CLOSED:
            changed = asyncio.Event()
            self.once("statechange", changed.set)
            await changed.wait()

    async def _shake_hands(self) -> None:
        try:
            # aiortc wants fingerprints here; ours may come later, with the join message.
            await self.start(RTCDtlsParameters([RTCDtlsFingerprint("sha-256", "")]))
        finally:
            self.finished_late = self._flights.was_late(self._timing.now())
            self._silence()

    def _validate_peer_identity(self, remoteParameters: RTCDtlsParameters) -> None:
        """Left to `matches`."""

    async def _write_ssl(self) -> None:
        flight = flights.datagrams(self._written())
        first = self._flights.sent_at is None
        if self._state is State.CONNECTING:
            self._flights.sent(flight, self._timing.now())
        self._transmit(flight)
        if flight and first and self._role == "client":
            self._on_first_flight(flight)
        self._set_timer()
        if self._may_start_early():
            self._setup_srtp()

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
        """Called when the handshake ends, and by us as soon as there are keys."""
        if self._keys.done():
            return
        name = self._ssl.get_selected_srtp_profile()
        profile = next((p for p in self._srtp_profiles if p.openssl_profile == name), None)
        if profile is None:
            self._set_state(State.FAILED)
            return
        material = self._ssl.export_keying_material(
            b"EXTRACTOR-dtls_srtp", 2 * (profile.key_length + profile.salt_length)
        )
        pairs = [profile.get_key_and_salt(material, index) for index in (0, 1)]  # the client's, the server's
        ours, theirs = pairs if self._role == "client" else reversed(pairs)
        split = profile.key_length
        self._keys.set_result(
            SrtpKeys(_PROFILE_NAMES[name], ours[:split], ours[split:], theirs[:split], theirs[split:])
        )

    def _seen(self, datagram: bytes) -> None:
        if self._state in (State.CONNECTING, State.CONNECTED):
            self._transmit(self._flights.received(datagram, self._timing.now()))

    def _expired(self) -> None:
        self._timer = None
        self._transmit(self._flights.expire(self._timing.now()))
        self._set_timer()

    def _transmit(self, flight: list[bytes]) -> None:
        for datagram in flight:
            self.transport.send(datagram)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (deadline := self._flights.deadline) is not None:
            self._timer = self._timing.later(max(0.0, deadline - self._timing.now()), self._expired)

    def _silence(self) -> None:
        self._flights.finish()
        self._set_timer()
