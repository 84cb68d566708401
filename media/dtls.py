"""aiortc's DTLS transport over the forwarding plane. All private seams of aiortc 1.16 that are used are in this file.

The seams: `_recv` and `_send` of the transport below it, `_srtp_profiles`, `_setup_srtp`, `_ssl`, `_set_role`, `_set_state`, `State`,
and `RTCCertificate._create_ssl_context`. `tests/media/test_dtls.py` fails when one of them moves.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
    State,
)
from OpenSSL import SSL

from media.negotiation import DtlsRole

Profile = Literal["AEAD_AES_128_GCM", "AES128_CM_SHA1_80"]

_PROFILE_NAMES: dict[bytes, Profile] = {
    SRTP_AEAD_AES_128_GCM.openssl_profile: "AEAD_AES_128_GCM",
    SRTP_AES128_CM_SHA1_80.openssl_profile: "AES128_CM_SHA1_80",
}

DTLS_1_2 = 0xFEFD
"""aiortc reads a flight with one call of 1500 octets; DTLS 1.3's are longer."""

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
            self._contexts[key] = context
        return self._contexts[key]

    @property
    def sha256(self) -> str:
        """The fingerprint as SDP writes it."""
        return next(str(f.value) for f in self.getFingerprints() if f.algorithm == "sha-256")


class DatagramPipe:
    """The transport below DTLS: datagrams from the plane wait here, datagrams to it leave at once."""

    def __init__(self, send: Callable[[bytes], None], role: str) -> None:
        self.role = role
        self._plane_send = send
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_WAITING_DATAGRAMS)
        self._closed = False

    def feed(self, datagram: bytes) -> bool:
        """Hand a datagram to DTLS; False when it was dropped because too many wait."""
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
        self._plane_send(data)


class PlaneDtlsTransport(RTCDtlsTransport):  # type: ignore[misc]  # aiortc is not typed
    """DTLS that hands its keys out instead of opening SRTP itself.

    Args:
        pipe: datagrams from and to the peer.
        certificate: the node's.
        role: our role. As client AEAD_AES_128_GCM alone is offered, so that the peer cannot choose the slower profile.
        both_profiles: as client, offer AES128_CM_SHA1_80 too.
    """

    def __init__(
        self, pipe: DatagramPipe, certificate: NodeCertificate, role: DtlsRole, *, both_profiles: bool
    ) -> None:
        super().__init__(pipe, [certificate])
        self._set_role(role)
        gcm_only = role == "client" and not both_profiles
        self._srtp_profiles = [SRTP_AEAD_AES_128_GCM] if gcm_only else [SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80]
        self._keys: SrtpKeys | None = None

    async def handshake(self, fingerprints: tuple[tuple[str, str], ...]) -> SrtpKeys:
        """Shake hands and check the peer's certificate against `fingerprints`.

        Raises:
            HandshakeFailed: with what is known of why.
        """
        parameters = RTCDtlsParameters([RTCDtlsFingerprint(algorithm, value) for algorithm, value in fingerprints])
        await self.start(parameters)
        if self._keys is None or self._state is not State.CONNECTED:
            raise HandshakeFailed(
                "DTLS ended without keys: no cipher or profile in common, or a certificate that the offer does not name"
            )
        return self._keys

    async def closed(self) -> None:
        """Wait until the peer closes DTLS or the pipe is closed."""
        while self._state is not State.CLOSED:
            changed = asyncio.Event()
            self.once("statechange", changed.set)
            await changed.wait()

    def _setup_srtp(self) -> None:
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
        self._keys = SrtpKeys(_PROFILE_NAMES[name], ours[:split], ours[split:], theirs[:split], theirs[split:])
