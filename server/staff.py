"""Routes that the API key opens, and a host's or moderator's own token too."""

import re

from fastapi import Request

from qa_queue.moderation.model import Member as Decision
from server.admission import Admission
from server.auth import ApiKey, bearer
from server.hubs import Hubs
from server.tokens import Claims
from signaling.errors import Banned, Forbidden
from signaling.fields import Role
from store.sessions import SessionRecord

_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")


class KeyOrStaff:
    """Checks who asks about the session in the path; a FastAPI dependency.

    A token of the session comes as `Authorization: Bearer`. What hosts decided about its person since counts, as at a join.

    Args:
        api_key: opens every session.
        admission: checks tokens.
        hubs: know what hosts and moderators decided.
    """

    def __init__(self, api_key: ApiKey, admission: Admission, hubs: Hubs) -> None:
        self._api_key = api_key
        self._admission = admission
        self._hubs = hubs

    async def __call__(self, request: Request, session: str) -> None:
        """Let the key and staff pass.

        Raises:
            ApiError: 401, neither key nor token.
            TokenInvalid, TokenExpired, SessionUnknown: as for a join.
            Forbidden: it is a member's token.
            Banned: its person was sent away.
        """
        token = bearer(request)
        if token is None or self._api_key.matches(token) or not _JWT.fullmatch(token):
            return await self._api_key(request)
        admitted = await self._admission.admit(session, token, self._hubs.record(session))
        assert admitted.claims is not None  # there was a token
        if await self._role(admitted.record, admitted.claims) == "member":
            raise Forbidden("only a host or a moderator may read the log")

    async def _role(self, record: SessionRecord, claims: Claims) -> Role:
        """The role that counts. A link's token names nobody about whom anything could be decided."""
        if claims.sub is None:
            return claims.role
        state = (await self._hubs.get(record)).state
        decisions = [decision for decision in state.all(Decision) if decision.person == claims.sub]
        if claims.role != "host" and any(decision.banned for decision in decisions):
            raise Banned("a moderator sent this person away")
        given = [decision.role for decision in decisions if decision.role is not None]
        return given[0] if given else claims.role  # type: ignore[return-value]  # nobody is made the system
