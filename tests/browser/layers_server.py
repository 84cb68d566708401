"""A media node with nothing around it, for tests that choose layers by a call: `python -m tests.browser.layers_server`.

`POST /publish` and `POST /receive` take offers and give answers; `POST /prefer?spatial=0&temporal=1` sets the layers of what the
last receiver is shown (each left out: all); `GET /source` says which layers arrive.
"""

import asyncio
import contextlib
import socket
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response

from media.config import MediaConfig
from media.connections import Receiving
from media.node import MediaNode
from media.views import Publisher

ROOM = "layers"


def application(node: MediaNode) -> FastAPI:
    """The node's endpoints, and an empty page for scripts."""
    app = FastAPI()
    receivers: list[Receiving] = []

    @app.get("/")
    def page() -> Response:
        return Response(
            "<!doctype html><title>layers</title><video autoplay muted playsinline></video>", media_type="text/html"
        )

    @app.post("/publish")
    async def publish(request: Request) -> Response:
        offer = (await request.body()).decode()
        publisher = Publisher("host", "Host", "main")
        publishing = await node.publish(ROOM, publisher=publisher, offer=offer, on_closed=print)
        return Response(publishing.answer, media_type="application/sdp")

    @app.post("/receive")
    async def receive(request: Request) -> Response:
        offer = (await request.body()).decode()
        receivers.append(await node.receive(ROOM, offer=offer, on_slots=lambda slots: None, on_closed=print))
        return Response(receivers[-1].answer, media_type="application/sdp")

    @app.post("/prefer")
    def prefer(spatial: int | None = None, temporal: int | None = None) -> None:
        receivers[-1].prefer("main", None, spatial=spatial, temporal=temporal)

    @app.get("/source")
    def source() -> dict[str, Any]:
        return node.rooms.source_stats(ROOM)[0]

    return app


async def main() -> None:
    """Serve until the process is ended."""
    node = MediaNode(MediaConfig(host="127.0.0.1", port=0))
    await node.start()
    listening = socket.create_server(("127.0.0.1", 0))
    print(f"ready on {listening.getsockname()[1]}", flush=True)
    await uvicorn.Server(uvicorn.Config(application(node), log_level="warning")).serve(sockets=[listening])
    await node.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
