"""The log and the draws, given out over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from qa_queue import export
from qa_queue.events import Event
from qa_queue.queue import LiveQueue
from server.negotiate import prefers_html
from server.problems import responses
from server.staff import KeyOrStaff
from signaling.errors import SessionUnknown
from store.sessions import SessionRecord

PAGE = 1_000

_ID = Path(description="The session's id.", examples=["serum-2"])
_TYPES = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}

Find = Callable[[str], Awaitable[SessionRecord | None]]


class LogHead(BaseModel):
    """The running hash; `docs/log.md` in the sources says how it is made."""

    seq: int = Field(description="Position in the log.")
    sha256: str = Field(description="Running hash over the exported lines up to it, hex.")


class DrawRecord(BaseModel):
    """All that is needed to verify a draw; `docs/draw.md` in the sources has the formula."""

    id: str
    title: str
    state: str
    prizes: int
    commitment: str
    secret: str | None = Field(description="Null until it is drawn.")
    digest: str | None
    tickets: list[int]
    entries: list[tuple[int, str]] = Field(description="Ticket and nonce of each entry.")


class LogApi:
    """Export for who has the API key and for staff, and draws for everybody.

    Args:
        queue: the log.
        find: looks a session up.
        draw_page: the page on which people verify a draw, with these headers.
    """

    def __init__(self, *, queue: LiveQueue, find: Find, draw_page: Callable[..., Response]) -> None:
        self._queue = queue
        self._find = find
        self._draw_page = draw_page

    def router(self, key_or_staff: KeyOrStaff) -> APIRouter:
        """All routes."""
        routes = APIRouter(tags=["Log"], responses=responses(HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE))
        protected = [Depends(key_or_staff)]
        refusals = responses(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)

        @routes.get(
            "/api/v1/sessions/{session}/log", dependencies=protected, responses=refusals, summary="Export the log"
        )
        async def export_log(
            session: str = _ID, format: Annotated[Literal["jsonl", "csv"], Query()] = "jsonl"
        ) -> StreamingResponse:
            """Every event of the session, oldest first, as JSON Lines or CSV. Who asked anonymously is not in it.

            For the API key, and for a host's or moderator's own token.
            """
            await self._require(session)
            headers = {
                "Content-Disposition": f'attachment; filename="{session}-log.{format}"',
                "Cache-Control": "no-store",
            }
            return StreamingResponse(self._lines(session, format), media_type=_TYPES[format], headers=headers)

        @routes.get(
            "/api/v1/sessions/{session}/log/hash",
            dependencies=protected,
            responses=refusals,
            summary="The running hash of the log",
        )
        async def log_hash(session: str = _ID, seq: Annotated[int | None, Query(ge=0)] = None) -> LogHead:
            """The hash up to a position, by default the newest, to hold against what was told to members."""
            await self._require(session)
            head = export.LogHash()
            async for event in self._events(session):
                if head.seq == seq:
                    break
                head.add(event)
            return LogHead(seq=head.seq, sha256=head.sha256)

        @routes.get(
            "/draws/{session}/{draw}",
            summary="What is needed to verify a draw",
            response_model=DrawRecord,
            responses={200: {"content": {"text/html": {}}}},
        )
        async def draw_record(
            request: Request,
            response: Response,
            session: str = _ID,
            draw: str = Path(description="The draw's id."),
        ) -> DrawRecord | Response:
            """Open to everybody: the entries are tickets and random texts, without names.

            Who prefers `text/html` gets a page instead, which reads this record and verifies it.
            """
            if prefers_html(request.headers.get("Accept", "")):
                return self._draw_page(Vary="Accept")
            response.headers.update({"Vary": "Accept", "Cache-Control": "no-cache"})
            await self._require(session)
            made, entries = await self._queue.draw_record(session, draw)
            return DrawRecord(
                id=made.id,
                title=made.title,
                state=made.state,
                prizes=made.prizes,
                commitment=made.commitment,
                secret=made.secret,
                digest=made.digest,
                tickets=made.tickets,
                entries=[(entry.ticket, entry.nonce) for entry in entries],
            )

        return routes

    async def _require(self, session: str) -> None:
        if await self._find(session) is None:
            raise SessionUnknown(f"there is no session {session}")

    async def _events(self, session: str) -> AsyncIterator[Event]:
        after = 0
        while events := await self._queue.events(session, after, PAGE):
            for event in events:
                yield event
            after = events[-1].seq

    async def _lines(self, session: str, format: str) -> AsyncIterator[str]:
        if format == "csv":
            yield export.csv_head()
        async for event in self._events(session):
            yield export.csv_row(event) if format == "csv" else export.line(event) + "\n"
