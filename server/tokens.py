"""Tokens: who somebody is in one session, signed (JWT, RFC 7519, HS256)."""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated

import jwt
import msgspec
from jwt.algorithms import HMACAlgorithm
from msgspec import Meta

from signaling.errors import TokenExpired, TokenInvalid
from signaling.fields import Name, Role, SessionId

ISSUER = "livetrial"
ALGORITHM = "HS256"
MAX_TOKEN_CHARS = 4096
REMEMBERED = 1024
"""Tokens whose signature need not be checked again: a crowd joins with one link."""

PersonId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.@-]{1,64}$(?!\n)", max_length=64)]


Tier = Annotated[int, Meta(ge=0, le=9)]


class Claims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token says.

    `sub` is the person; a token without one is a join link, and each join with it makes a new person.
    `tier` is that of a loyalty programme. `exp` is in seconds since 1970, as RFC 7519 wants it.
    """

    iss: str
    sid: SessionId
    role: Role
    exp: int
    sub: PersonId | None = None
    name: Name | None = None
    tier: Tier = 0


class _PreparedHmac(HMACAlgorithm):
    """Looks once, and not at every token, whether the key might be one of another kind."""

    def __init__(self, secret: str) -> None:
        super().__init__(HMACAlgorithm.SHA256)
        self._key = super().prepare_key(secret)

    def prepare_key(self, key: str | bytes) -> bytes:
        """The one that there is."""
        return self._key


class Tokens:
    """Mints and verifies tokens.

    Args:
        secret: the signing key.
        lifetime_s: lifetime where none is asked for.
        clock: seconds since 1970.
    """

    def __init__(self, secret: str, *, lifetime_s: int, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._signer = jwt.PyJWS(algorithms=[])
        self._signer.register_algorithm(ALGORITHM, _PreparedHmac(secret))
        # Only what is signed is remembered, so that strangers cannot push the rest out.
        self._read = lru_cache(REMEMBERED)(self._decode)

    def mint(
        self,
        session: str,
        role: Role,
        *,
        person: str | None = None,
        name: str | None = None,
        tier: int = 0,
        lifetime_s: int | None = None,
        expires_at: int | None = None,
    ) -> str:
        """Sign a token; without `person` it is a join link.

        Args:
            lifetime_s: from now on; the default is that of the settings.
            expires_at: in seconds since 1970, instead of a lifetime.
        """
        exp = expires_at if expires_at is not None else int(self._clock()) + (lifetime_s or self._lifetime_s)
        claims = Claims(iss=ISSUER, sid=session, role=role, exp=exp, sub=person, name=name, tier=tier)
        return self._signer.encode(msgspec.json.encode(claims), self._secret, algorithm=ALGORITHM)

    def verify(self, token: str, session: str) -> Claims:
        """Check a token for a session.

        Raises:
            TokenExpired: it was good once.
            TokenInvalid: everything else; the message says what, and nothing of it is trusted.
        """
        if len(token) > MAX_TOKEN_CHARS:
            raise TokenInvalid(f"a token has at most {MAX_TOKEN_CHARS} characters")
        claims = self._read(token)
        if claims.iss != ISSUER:
            raise TokenInvalid("the token was issued by somebody else")
        if claims.sid != session:
            raise TokenInvalid("the token is for another session")
        if claims.exp <= self._clock():
            raise TokenExpired("the token has expired")
        return claims

    def _decode(self, token: str) -> Claims:
        # Expiry is checked by our clock; the algorithm is fixed here and never taken from the token (RFC 8725 section 3.1).
        options: jwt.types.Options = {
            "verify_exp": False,
            "verify_sub": False,
            "verify_iat": False,
            "verify_nbf": False,
        }
        try:
            payload = jwt.decode(token, self._secret, algorithms=[ALGORITHM], options=options)
            return msgspec.convert(payload, Claims)
        except jwt.InvalidAlgorithmError as error:
            raise TokenInvalid(f"the token is not signed with {ALGORITHM}") from error
        except jwt.InvalidSignatureError as error:
            raise TokenInvalid("the token's signature does not match") from error
        except msgspec.ValidationError as error:
            raise TokenInvalid(f"the token's claims are malformed: {error}") from error
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise TokenInvalid("the token is damaged") from error
