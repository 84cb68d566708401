"""The HTTP and WebSocket application of a node."""

from functools import partial

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from fastapi_offline import FastAPIOffline
from starlette.types import ASGIApp

from server import pages, problems
from server.api import Api
from server.auth import ApiKey
from server.body_limit import BodyLimit
from server.cors import Cors
from server.log_api import LogApi
from server.metrics import CONTENT_TYPE
from server.node import Node
from server.socket_entrance import SocketEntrance
from server.socket_protocol import SocketProtocol
from server.staff import KeyOrStaff
from server.ticket_api import TICKET_PREFIX, TicketApi
from server.whip import Whip
from server.ws import Socket

DESCRIPTION = """
Sessions, and the tokens by which people get in. What happens inside a session goes over the WebSocket `/ws`;
its protocol is described in `signaling/PROTOCOL.md`.

All errors are problem documents (RFC 9457) with a `code` for programs.
"""


def create_app(node: Node) -> FastAPI:
    """Everything that the HTTP port answers but WebSockets, which `entrance` opens."""
    # Its pages bring their scripts along: the usual content network is slow or closed in China and in many companies.
    app = FastAPIOffline(title="livetrial", version="1", description=DESCRIPTION, docs_url="/docs", redoc_url=None)
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Cors, prefixes=("/whip/", "/whep/", TICKET_PREFIX))
    api = Api(
        sessions=node.sessions,
        tokens=node.tokens,
        links=node.links,
        presence=node.hubs.present,
        live=node.publications.live,
    )
    whip = Whip(
        media=node.media,
        publications=node.publications,
        resources=node.resources,
        admission=node.admission,
        links=node.links,
        ice_servers=node.ice_servers,
    )
    api_key = ApiKey(node.settings.api_key_value())
    app.include_router(api.router(api_key))
    app.include_router(whip.router())
    log = LogApi(
        queue=node.queue,
        find=node.sessions.get,
        draw_page=partial(pages.page, node.settings.web_dir, "draw.html"),
    )
    app.include_router(log.router(KeyOrStaff(api_key, node.admission, node.hubs)))
    tickets = TicketApi(node.media)
    app.include_router(tickets.router())
    _add_operations(app, node)

    # Last, since it answers for whatever no other route does.
    app.include_router(pages.router(node.settings.web_dir, tickets.embedded))
    return app


def entrance(node: Node, app: ASGIApp) -> SocketEntrance:
    """`app` behind what opens WebSockets."""

    async def serve(protocol: SocketProtocol) -> None:
        socket = Socket(
            protocol,
            joining=node.joining,
            requests=node.requests,
            metrics=node.metrics,
            doorway=node.doorway,
            join_timeout_s=node.settings.join_timeout_s,
        )
        await socket.run()

    return SocketEntrance(app, path="/ws", serve=serve)


def _add_operations(app: FastAPI, node: Node) -> None:
    @app.get("/healthz", tags=["Operations"], summary="Whether the process is alive")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", tags=["Operations"], summary="Whether this node can serve", responses={503: {}})
    async def readyz() -> Response:
        """200 when the store answers and the forwarding plane runs; 503 says which of them does not, and why."""
        missing = await node.missing()
        status = "unready" if missing else "ready"
        return JSONResponse({"status": status, "missing": missing}, 503 if missing else 200)

    @app.get("/metrics", tags=["Operations"], summary="Numbers for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(node.metrics.text(), media_type=CONTENT_TYPE)
