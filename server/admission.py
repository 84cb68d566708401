"""Who is let into a session."""

import re
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Protocol

from server.member import Identity
from server.tokens import Claims, Tokens
from signaling.errors import SessionUnknown, TokenMissing
from signaling.fields import Role
from store.sessions import SessionRecord

_SESSION_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

# UAX #9: embeddings, overrides and isolates.
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_NAMES: dict[Role, str] = {"host": "Host", "moderator": "Moderator", "member": "Guest"}


def is_session_id(text: str) -> bool:
    """Whether a session may have this id."""
    return _SESSION_ID.fullmatch(text) is not None


class Sessions(Protocol):
    """Where session records are found."""

    async def get(self, session: str) -> SessionRecord | None:
        """The record, or None."""


@dataclass(frozen=True)
class Admitted:
    """A session, and what the token said; no claims where the session is open and no token came."""

    record: SessionRecord
    claims: Claims | None


class Admission:
    """Checks tokens and finds sessions.

    Args:
        sessions: the records.
        tokens: verifies, and mints personal tokens.
    """

    def __init__(self, sessions: Sessions, tokens: Tokens) -> None:
        self._sessions = sessions
        self._tokens = tokens

    async def admit(self, session: str, token: str | None, record: SessionRecord | None = None) -> Admitted:
        """Let somebody in.

        Args:
            record: that of the session, where it is known: it never changes, and need not be fetched.

        Raises:
            TokenExpired, TokenInvalid: the token is checked before anything is looked up.
            SessionUnknown: there is no such session.
            TokenMissing: there is no token, and the session is not open.
        """
        if not is_session_id(session):
            raise SessionUnknown("this is no session id")
        claims = self._tokens.verify(token, session) if token is not None else None
        record = record or await self._sessions.get(session)
        if record is None:
            raise SessionUnknown(f"there is no session {session}")
        if claims is None and not record.open:
            raise TokenMissing("this session is not open; join with the link that you were given")
        return Admitted(record, claims)

    def identify(self, admitted: Admitted, name: str | None, device: str | None = None) -> Identity:
        """Say who joins; a token that names nobody gets a new person, and a personal token to come back with.

        Args:
            name: what the page asked for; a name inside the token wins.
        """
        session, claims = admitted.record.id, admitted.claims
        role: Role = claims.role if claims else "member"
        shown = _clean(claims.name if claims and claims.name else name) or _NAMES[role]
        tier = claims.tier if claims else 0
        if claims is not None and claims.sub is not None:
            return Identity(session, claims.sub, shown, role, None, role, device, tier)
        person = secrets.token_urlsafe(12)
        # A personal token lives no longer than the link that it came from.
        expires_at = claims.exp if claims else None
        token = self._tokens.mint(session, role, person=person, name=shown, tier=tier, expires_at=expires_at)
        return Identity(session, person, shown, role, token, role, device, tier)


def _clean(name: str | None) -> str:
    """A display name without control characters, and with single spaces.

    Controls of direction go too (they would turn the text around them); joiners stay, emoji are made with them.
    """
    kept = (c for c in name or "" if unicodedata.category(c) != "Cc" or c.isspace())
    return " ".join("".join(c for c in kept if c not in _BIDI_CONTROLS).split())[:40]
