"""Serves the built pages."""

from collections.abc import Callable
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from fastapi.types import DecoratedCallable
from starlette.exceptions import HTTPException

NOT_BUILT = "The pages are not built. Run `make run`, or `npm ci && npm run build` in web_client/.\n"

IMMUTABLE = "public, max-age=31536000, immutable"

# Everything comes from this server; a WebSocket to it is 'self' too. Pictures from the camera are blobs and streams.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "media-src 'self' blob: mediastream:",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

PAGE_HEADERS = {
    **SECURITY_HEADERS,
    # The page of an older build names assets that are gone, so it is asked for each time; the answer is a 304 mostly.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), fullscreen=(self), "
    "picture-in-picture=(self), screen-wake-lock=(self), geolocation=(), payment=(), usb=(), midi=(), serial=()",
    "X-Frame-Options": "DENY",
}


def page(web_dir: Path, name: str, **headers: str) -> Response:
    """One page of the build, with further headers; 503 where it is not built."""
    path = web_dir / name
    if not path.is_file():
        return PlainTextResponse(NOT_BUILT, 503)
    return FileResponse(path, media_type="text/html", headers={**PAGE_HEADERS, **headers})


def router(web_dir: Path, ticket: Callable[[str], str]) -> APIRouter:
    """Routes of the pages and their assets.

    Args:
        web_dir: the build's output: `index.html`, `host.html`, `member.html`, `draw.html`, `assets/`, `embed/`.
        ticket: the element that gives the member's page of a session its ticket; empty where there is none.
    """
    routes = APIRouter(include_in_schema=False)
    root = web_dir.resolve()

    def get(path: str) -> Callable[[DecoratedCallable], DecoratedCallable]:
        # Load balancers and link previews look with HEAD first.
        return routes.api_route(path, methods=["GET", "HEAD"])

    @get("/")
    async def index() -> Response:
        return page(root, "index.html")

    @get("/host/{session}")
    async def host(session: str) -> Response:
        return page(root, "host.html")

    @get("/s/{session}")
    async def member(session: str) -> Response:
        path = root / "member.html"
        if not path.is_file():
            return PlainTextResponse(NOT_BUILT, 503)
        # Each load gets a ticket of its own, so nothing of it is kept anywhere.
        text = path.read_text().replace("</head>", f"{ticket(session)}</head>", 1)
        return HTMLResponse(text, headers={**PAGE_HEADERS, "Cache-Control": "no-store"})

    @get("/assets/{path:path}")
    async def asset(path: str) -> Response:
        # The build puts a hash of its contents into each name.
        return _file(root / "assets", path, {**SECURITY_HEADERS, "Cache-Control": IMMUTABLE})

    @get("/embed/{path:path}")
    async def embed(path: str) -> Response:
        # Other sites load the client module from here; its name stays, so it is checked each time.
        headers = {**SECURITY_HEADERS, "Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"}
        return _file(root / "embed", path, {**headers, "Cross-Origin-Resource-Policy": "cross-origin"})

    @get("/{name}")
    async def public_file(name: str) -> Response:
        # What stands beside the pages in the build: icons, a manifest.
        if name.endswith(".html"):
            raise HTTPException(404)
        return _file(root, name, {**SECURITY_HEADERS, "Cache-Control": "no-cache"})

    return routes


def _file(folder: Path, name: str, headers: dict[str, str]) -> Response:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, headers=headers)
