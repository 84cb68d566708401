"""The HTTP API by which a brand's own server makes sessions and lets its members in."""

import secrets
import time
from collections.abc import Callable
from http import HTTPStatus

from fastapi import APIRouter, Depends, Path, Request

from server.api_models import CreatedSession, CreatedToken, NewSession, NewToken, Session, SessionLinks, SessionTokens
from server.auth import ApiKey
from server.links import Links, host_page, member_page
from server.problems import ApiError, responses
from server.tokens import Tokens
from signaling.errors import SessionUnknown
from store.errors import SessionExists
from store.sessions import SessionRecord, Sessions

_ID = Path(description="The session's id.", examples=["serum-2"])


class Api:
    """The routes below `/api/v1`.

    Args:
        sessions: the records.
        tokens: mints.
        links: makes absolute URLs.
        presence: people connected in a session.
        live: whether anybody publishes in a session.
    """

    def __init__(
        self,
        *,
        sessions: Sessions,
        tokens: Tokens,
        links: Links,
        presence: Callable[[str], int],
        live: Callable[[str], bool],
    ) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._links = links
        self._presence = presence
        self._live = live

    def router(self, api_key: ApiKey) -> APIRouter:
        """All routes, behind the API key."""
        routes = APIRouter(
            prefix="/api/v1",
            tags=["Sessions"],
            dependencies=[Depends(api_key)],
            responses=responses(
                HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE
            ),
        )

        @routes.post("/sessions", status_code=201, summary="Make a session", responses=responses(HTTPStatus.CONFLICT))
        async def create_session(request: Request, body: NewSession) -> CreatedSession:
            """Make a session and get its links. Whoever opens a link joins with the role of that link.

            The same request with the same `id` may be repeated; another one for this `id` is answered 409.
            """
            return await self._create(self._links.base(request), body)

        @routes.get("/sessions/{session}", summary="Look at a session", responses=responses(HTTPStatus.NOT_FOUND))
        async def get_session(session: str = _ID) -> Session:
            """What the session is, and who is there now."""
            record = await self._get(session)
            return Session(
                id=record.id,
                title=record.title,
                open=record.open,
                created_at=record.created_at,
                present=self._presence(session),
                live=self._live(session),
            )

        @routes.post(
            "/sessions/{session}/tokens",
            status_code=201,
            summary="Make a token for one of your members",
            responses=responses(HTTPStatus.NOT_FOUND),
        )
        async def create_token(request: Request, body: NewToken, session: str = _ID) -> CreatedToken:
            """A token for a person that you know: it comes back as the same person on every device.

            Without `person` it is a join link: each join with it makes a new person.
            """
            return self._mint(self._links.base(request), await self._get(session), body)

        return routes

    async def _create(self, base: str, body: NewSession) -> CreatedSession:
        session = body.id or secrets.token_hex(5)
        record = await self._store_session(
            SessionRecord(id=session, title=body.title, open=body.open, created_at=int(time.time() * 1000))
        )
        tokens = SessionTokens(
            host=self._tokens.mint(session, "host", lifetime_s=body.token_lifetime_s),
            moderator=self._tokens.mint(session, "moderator", lifetime_s=body.token_lifetime_s),
            member=self._tokens.mint(session, "member", lifetime_s=body.token_lifetime_s),
        )
        member_token = None if record.open else tokens.member
        links = SessionLinks(
            host=host_page(base, session, tokens.host, member_token),
            moderator=host_page(base, session, tokens.moderator, member_token),
            member=member_page(base, session, member_token),
            whip=f"{base}/whip/{session}",
            whep=f"{base}/whep/{session}",
        )
        return CreatedSession(
            id=session, title=record.title, open=record.open, created_at=record.created_at, links=links, tokens=tokens
        )

    async def _store_session(self, record: SessionRecord) -> SessionRecord:
        """The stored record: this one, or one that was stored before and differs in nothing but its time."""
        try:
            await self._sessions.create(record)
        except SessionExists:
            earlier = await self._sessions.get(record.id)
            if earlier is None or (earlier.title, earlier.open) != (record.title, record.open):
                detail = f"there is another session {record.id}"
                raise ApiError(HTTPStatus.CONFLICT, "session_exists", detail) from None
            return earlier
        return record

    async def _get(self, session: str) -> SessionRecord:
        record = await self._sessions.get(session)
        if record is None:
            raise SessionUnknown(f"there is no session {session}")
        return record

    def _mint(self, base: str, record: SessionRecord, body: NewToken) -> CreatedToken:
        session, lifetime_s = record.id, body.lifetime_s
        token = self._tokens.mint(
            session, body.role, person=body.person, name=body.name, tier=body.tier, lifetime_s=lifetime_s
        )
        if body.role == "member":
            return CreatedToken(token=token, link=member_page(base, session, token))
        member_token = None if record.open else self._tokens.mint(session, "member", lifetime_s=lifetime_s)
        return CreatedToken(token=token, link=host_page(base, session, token, member_token))
