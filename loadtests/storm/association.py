"""A browser's side of one association, as light as it can be: one connectivity check, DTLS as server, SRTP opened."""

import hashlib
import hmac
import secrets
import struct
import zlib
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from pylibsrtp import Policy, Session

_MAGIC = b"\x21\x12\xa4\x42"
_PROFILE = b"SRTP_AEAD_AES_128_GCM"
_KEY, _SALT = 16, 12
_MTU = 1200


class Certificate:
    """One for all clients of a process: making it is not what is measured."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "storm")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        self._certificate = builder.sign(key, hashes.SHA256())
        self._context = SSL.Context(SSL.DTLS_METHOD)
        self._context.use_certificate(self._certificate)
        self._context.use_privatekey(key)
        self._context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        self._context.set_tlsext_use_srtp(_PROFILE)

    @property
    def fingerprint(self) -> str:
        """As SDP writes it."""
        return self._certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    def connection(self) -> SSL.Connection:
        """A DTLS server that has not heard anything."""
        connection = SSL.Connection(self._context, None)
        connection.set_accept_state()
        connection.set_ciphertext_mtu(_MTU)
        return connection


@cache
def certificate() -> Certificate:
    """That of this process."""
    return Certificate()


class Association:
    """DTLS and SRTP; datagrams in, datagrams out."""

    def __init__(self) -> None:
        self._dtls = certificate().connection()
        self._srtp: Session | None = None
        self._ours = b""

    @property
    def established(self) -> bool:
        """Media can be opened."""
        return self._srtp is not None

    def handshake(self, datagram: bytes) -> bytes:
        """Take a DTLS datagram; what is to be sent, empty if nothing.

        Raises:
            SSL.Error: the handshake failed.
        """
        self._dtls.bio_write(datagram)
        try:
            if not self.established:
                self._dtls.do_handshake()
                self._derive()
            else:
                self._dtls.recv(2048)
        except (SSL.WantReadError, SSL.ZeroReturnError):
            pass
        try:
            answer: bytes = self._dtls.bio_read(4096)
        except SSL.WantReadError:
            return b""
        return answer

    def open(self, packet: bytes) -> bytes:
        """An SRTP packet's RTP.

        Raises:
            pylibsrtp.Error: it does not open.
        """
        assert self._srtp is not None
        opened: bytes = self._srtp.unprotect(packet)
        return opened

    def open_rtcp(self, packet: bytes) -> bytes:
        """An SRTCP packet's RTCP.

        Raises:
            pylibsrtp.Error: it does not open.
        """
        assert self._srtp is not None
        opened: bytes = self._srtp.unprotect_rtcp(packet)
        return opened

    def seal(self, packet: bytes) -> bytes:
        """SRTP of an RTP packet of ours."""
        sealed: bytes = self._sealing.protect(packet)
        return sealed

    def seal_rtcp(self, packet: bytes) -> bytes:
        """SRTCP of an RTCP packet of ours."""
        sealed: bytes = self._sealing.protect_rtcp(packet)
        return sealed

    @cached_property
    def _sealing(self) -> Session:
        """Made when something is sent: most clients only receive."""
        return Session(Policy(self._ours, Policy.SSRC_ANY_OUTBOUND, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM))

    def _derive(self) -> None:
        # RFC 5764 section 4.2: client's key, server's key, client's salt, server's salt. The node is the client.
        material = self._dtls.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (_KEY + _SALT))
        key, salt = material[:_KEY], material[2 * _KEY : 2 * _KEY + _SALT]
        profile = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
        self._srtp = Session(Policy(key + salt, Policy.SSRC_ANY_INBOUND, srtp_profile=profile))
        self._ours = material[_KEY : 2 * _KEY] + material[2 * _KEY + _SALT :]


def connectivity_check(ufrag: str, password: str) -> bytes:
    """A nominating binding request (RFC 8445 section 7.2)."""
    user = f"{ufrag}:storm".encode()
    body = _attribute(0x0006, user) + _attribute(0x0024, b"\x6e\x00\x1e\xff")
    body += _attribute(0x802A, secrets.token_bytes(8)) + _attribute(0x0025, b"")
    transaction = secrets.token_bytes(12)
    head = struct.pack("!HH", 1, len(body) + 24) + _MAGIC + transaction
    body += _attribute(0x0008, hmac.digest(password.encode(), head + body, hashlib.sha1))
    head = struct.pack("!HH", 1, len(body) + 8) + _MAGIC + transaction
    return head + body + _attribute(0x8028, struct.pack("!I", zlib.crc32(head + body) ^ 0x5354554E))


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
