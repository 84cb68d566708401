"""Hands out tickets: in the member's page, and to pages of other sites (`signaling/PROTOCOL.md`, Tickets)."""

from dataclasses import fields
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import APIRouter, Path
from fastapi.responses import Response

from media.errors import MediaError
from media.node import MediaNode
from media.tickets import Ticket
from server.admission import is_session_id
from server.problems import responses
from signaling.errors import SessionUnknown

TICKET_PREFIX = "/api/v1/tickets/"

_FIELDS = tuple(field.name for field in fields(Ticket))
_NO_STORE = {"Cache-Control": "no-store"}


class TicketApi:
    """Tickets of a node.

    No session is looked up: a ticket for one that does not exist opens nothing, and costs no more than a page.

    Args:
        media: makes them.
    """

    def __init__(self, media: MediaNode) -> None:
        self._media = media

    def router(self) -> APIRouter:
        """The route, for any origin."""
        routes = APIRouter(tags=["Sessions"], responses=responses(HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE))

        @routes.get(TICKET_PREFIX + "{session}", summary="Get a ticket", response_model=dict[str, Any])
        async def ticket(session: str = Path(description="The session's id.")) -> Response:
            """What a page needs to begin its media connection while its `join` is on the way. Good once, for two minutes."""
            if not is_session_id(session):
                raise SessionUnknown("this is no session id")
            return Response(self._json(session), media_type="application/json", headers=_NO_STORE)

        return routes

    def embedded(self, session: str) -> str:
        """The element for the member's page; empty where there can be no ticket, and the page then joins without."""
        if not is_session_id(session):
            return ""
        try:
            json = self._json(session).decode()
        except MediaError:
            return ""
        # A data block: no script runs, whatever it says, and it cannot end early.
        return '<script type="application/json" id="livetrial-ticket">' + json.replace("<", "\\u003c") + "</script>"

    def _json(self, session: str) -> bytes:
        ticket = self._media.ticket(session)
        # `asdict` copies all that is in it, which is most of what a ticket costs.
        return msgspec.json.encode({"session": session} | {name: getattr(ticket, name) for name in _FIELDS})
