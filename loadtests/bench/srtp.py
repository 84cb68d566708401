"""Keys for the associations of a measurement."""

import secrets
from dataclasses import dataclass, field

from pylibsrtp import Policy, Session


@dataclass(frozen=True)
class Key:
    """AEAD_AES_128_GCM keying material of one direction."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(12))

    def sender(self) -> Session:
        """A libsrtp session that protects."""
        return self._session(Policy.SSRC_ANY_OUTBOUND)

    def receiver(self) -> Session:
        """A libsrtp session that unprotects."""
        return self._session(Policy.SSRC_ANY_INBOUND)

    def _session(self, ssrcs: int) -> Session:
        return Session(Policy(self.key + self.salt, ssrcs, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM))
