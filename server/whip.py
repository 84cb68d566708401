"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): publishing and receiving with standard clients, over HTTP."""

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import Response

from media.node import MediaNode
from media.views import Publisher
from server.admission import Admission
from server.auth import bearer
from server.ice_servers import IceServers
from server.links import Links
from server.problems import ApiError, responses
from server.publications import Publications
from server.tokens import Claims
from server.whip_resources import Kind, Resource, Resources, has_password, is_fragment, ufrags
from signaling.errors import Forbidden, TokenMissing

SDP = "application/sdp"
SDP_FRAGMENT = "application/trickle-ice-sdpfrag"

HOST_PERSON = "host"
"""The publisher behind a host's join link, which names nobody."""

_PREFLIGHT = {
    "Access-Control-Allow-Methods": "OPTIONS, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Max-Age": "86400",
}

_POST_ERRORS = responses(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


class Whip:
    """Both endpoints.

    Args:
        media: carries the connections.
        publications: keeps one publication a person, whichever door it came through.
        resources: what these endpoints have made.
        admission: sessions and tokens.
        links: makes absolute URLs.
        ice_servers: told to whoever connects (RFC 9725 section 4.6).
    """

    def __init__(
        self,
        *,
        media: MediaNode,
        publications: Publications,
        resources: Resources,
        admission: Admission,
        links: Links,
        ice_servers: IceServers,
    ) -> None:
        self._media = media
        self._publications = publications
        self._resources = resources
        self._admission = admission
        self._links = links
        self._ice_servers = ice_servers

    def router(self) -> APIRouter:
        """The routes. RFC 9725 section 4.2 wants 405 for every method that is not listed."""
        routes = APIRouter(tags=["WHIP and WHEP"])
        kinds: tuple[Kind, Kind] = ("whip", "whep")
        for kind in kinds:
            self._add_endpoint(routes, kind, f"/{kind}/{{session}}")
            self._add_resource(routes, kind, f"/{kind}/{{session}}/{{resource_id}}")
        return routes

    def _add_endpoint(self, routes: APIRouter, kind: Kind, path: str) -> None:
        summary = "Publish into a session" if kind == "whip" else "Receive from a session"

        @routes.post(
            path, status_code=201, response_class=Response, name=f"{kind}_post", summary=summary, responses=_POST_ERRORS
        )
        async def post(request: Request, session: str) -> Response:
            return await self._post(request, kind, session)

        @routes.options(path, include_in_schema=False)
        async def options(session: str) -> Response:
            return Response(headers={**_PREFLIGHT, "Allow": "OPTIONS, POST", "Accept-Post": SDP})

        _refuse_others(routes, path, allow="OPTIONS, POST", methods=["GET", "HEAD", "PUT", "PATCH", "DELETE"])

    def _add_resource(self, routes: APIRouter, kind: Kind, path: str) -> None:
        @routes.delete(path, response_class=Response, name=f"{kind}_delete", summary="End a connection")
        async def delete(request: Request, session: str, resource_id: str) -> Response:
            resource = await self._resource(request, kind, session, resource_id)
            self._resources.discard(resource)
            resource.end()
            return Response(status_code=200)

        @routes.patch(
            path,
            status_code=204,
            response_class=Response,
            name=f"{kind}_patch",
            summary="Trickle candidates, or restart ICE",
        )
        async def patch(request: Request, session: str, resource_id: str) -> Response:
            resource = await self._resource(request, kind, session, resource_id)
            return await _patch(request, resource)

        @routes.options(path, include_in_schema=False)
        async def options(session: str, resource_id: str) -> Response:
            return Response(headers={**_PREFLIGHT, "Allow": "OPTIONS, PATCH, DELETE", "Accept-Patch": SDP_FRAGMENT})

        _refuse_others(routes, path, allow="OPTIONS, PATCH, DELETE", methods=["GET", "HEAD", "PUT", "POST"])

    async def _post(self, request: Request, kind: Kind, session: str) -> Response:
        claims = await self._authorize(request, kind, session)
        _require_type(request, SDP)
        offer = await _read(request)
        resource = self._resources.reserve(kind, session, offer)
        try:
            if kind == "whip":
                answer = await self._publish(resource, claims, offer)
            else:
                answer = await self._receive(resource, offer)
        except BaseException:
            self._resources.discard(resource)
            raise
        headers = {
            "Location": f"{self._links.base(request)}/{kind}/{session}/{resource.id}",
            "ETag": f'"{resource.etag}"',
            "Accept-Patch": SDP_FRAGMENT,
        }
        response = Response(answer, 201, headers, media_type=SDP)
        for link in self._ice_servers.link_headers(session, resource.id):
            response.headers.append("Link", link)
        return response

    async def _publish(self, resource: Resource, claims: Claims | None, offer: str) -> str:
        assert claims is not None  # `_authorize` lets nobody publish without
        person = claims.sub or HOST_PERSON
        publishing = await self._publications.publish(
            resource.session,
            Publisher(person=person, name=claims.name or "Host"),
            offer=offer,
            prefer_passive=True,
            on_closed=lambda reason: self._resources.discard(resource),
        )
        resource.end = lambda: self._publications.end(resource.session, person, publishing)
        resource.restart = publishing.restart_fragment
        return publishing.answer

    async def _receive(self, resource: Resource, offer: str) -> str:
        receiving = await self._media.receive(
            resource.session,
            offer=offer,
            prefer_passive=True,
            on_slots=lambda slots: None,
            on_closed=lambda reason: self._resources.discard(resource),
        )
        resource.end = receiving.end
        resource.restart = receiving.restart_fragment
        return receiving.answer

    async def _authorize(self, request: Request, kind: Kind, session: str) -> Claims | None:
        """Who asks; None is anybody, in an open session."""
        claims = (await self._admission.admit(session, bearer(request))).claims
        if kind == "whip" and claims is None:
            raise TokenMissing("publishing needs the token of a host")
        if kind == "whip" and claims is not None and claims.role != "host":
            raise Forbidden("only a host may publish")
        return claims

    async def _resource(self, request: Request, kind: Kind, session: str, resource_id: str) -> Resource:
        await self._authorize(request, kind, session)
        resource = self._resources.get(kind, session, resource_id)
        if resource is None:
            raise ApiError(HTTPStatus.NOT_FOUND, "resource_unknown", "there is no such connection, or it has ended")
        return resource


async def _patch(request: Request, resource: Resource) -> Response:
    """Trickled candidates, or an ICE restart (RFC 9725 sections 4.3.1 to 4.3.3, the same in WHEP).

    Candidates are accepted and not needed: the server is ICE-lite and learns addresses from checks. Other credentials than those
    known ask for a restart, whatever `If-Match` says beside its being met; media go on until the client nominates a new pair.
    """
    _require_type(request, SDP_FRAGMENT)
    body = await _read(request)
    if not is_fragment(body):
        raise ApiError(HTTPStatus.BAD_REQUEST, "bad_fragment", "the body is no trickle-ice-sdpfrag")
    _require_match(request, resource)
    if ufrags(body) <= resource.ufrags:
        return Response(status_code=204)
    if not has_password(body):
        raise ApiError(
            HTTPStatus.BAD_REQUEST, "bad_fragment", "another a=ice-ufrag restarts ICE, and needs its a=ice-pwd"
        )
    answer = resource.restart_ice(body)
    return Response(answer, 200, {"ETag": f'"{resource.etag}"'}, media_type=SDP_FRAGMENT)


def _require_match(request: Request, resource: Resource) -> None:
    match = request.headers.get("If-Match")
    if match is None:
        raise ApiError(HTTPStatus.PRECONDITION_REQUIRED, "etag_missing", "send the ETag in If-Match")
    tags = [tag.strip() for tag in match.split(",")]
    # The RFC's own example puts the asterisk into quotes.
    if not {"*", '"*"', f'"{resource.etag}"'}.intersection(tags):
        raise ApiError(HTTPStatus.PRECONDITION_FAILED, "etag_mismatch", "this is not the ETag of the ICE session")


def _refuse_others(routes: APIRouter, path: str, *, allow: str, methods: list[str]) -> None:
    # Starlette's own 405 names in `Allow` the methods of the first route alone.
    @routes.api_route(path, methods=methods, include_in_schema=False)
    async def refuse(request: Request) -> Response:
        detail = f"{request.method} is not for this URL"
        raise ApiError(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", detail, headers={"Allow": allow})


def _require_type(request: Request, expected: str) -> None:
    given = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if given != expected:
        raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", f"the body must be {expected}")


async def _read(request: Request) -> str:
    body = await request.body()
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise ApiError(HTTPStatus.BAD_REQUEST, "bad_offer", "the body is not UTF-8") from None
