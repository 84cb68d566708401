"""The demo session: a synthetic host that publishes through the same door as everybody, WHIP over HTTP."""

import asyncio
import contextlib
import ipaddress
import logging
import re
from collections.abc import Callable

import httpx
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)

from server import demo_media

logger = logging.getLogger(__name__)

SESSION = "demo"
HOST_PERSON = "demo-host"
HOST_NAME = "Demo"

FIRST_BACKOFF_S = 0.25
MAX_BACKOFF_S = 8.0
SETTLED_AFTER_S = 10.0
"""A connection that held this long starts the backoff anew."""


class DemoHost:
    """Publishes the loop until it is stopped; makes a new connection whenever one ends.

    Args:
        whip_url: the endpoint.
        token: makes a host's token of the session; asked for each connection, since a server outlives a token.
        media_address: where this machine reaches the media port (host, port); the client runs beside the server, so
            this holds behind any NAT, and where there is no interface but loopback.
        loop: what is published.
    """

    def __init__(
        self, *, whip_url: str, token: Callable[[], str], media_address: tuple[str, int], loop: demo_media.Loop
    ) -> None:
        self._whip_url = whip_url
        self._token = token
        self._media_address = media_address
        self._loop = loop

    async def run(self) -> None:
        """Publish; returns only by cancellation."""
        clock = asyncio.get_running_loop().time
        backoff_s = FIRST_BACKOFF_S
        # A proxy of the environment is for the outside, not for ourselves.
        async with httpx.AsyncClient(trust_env=False, timeout=10.0) as http:
            while True:
                started_at = clock()
                try:
                    await self._publish(http)
                except (httpx.HTTPError, ConnectionError, ValueError) as error:
                    logger.warning("the demo host cannot publish: %s", error or type(error).__name__)
                except Exception:
                    # aiortc raises what it likes on an unexpected answer; the demo must come back from all of it.
                    logger.exception("the demo host failed")
                backoff_s = (
                    FIRST_BACKOFF_S if clock() - started_at > SETTLED_AFTER_S else min(2 * backoff_s, MAX_BACKOFF_S)
                )
                await asyncio.sleep(backoff_s)

    async def _publish(self, http: httpx.AsyncClient) -> None:
        """One connection, from the offer to its end."""
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        ended = asyncio.Event()

        @peer.on("connectionstatechange")  # type: ignore[untyped-decorator]  # aiortc has no stubs
        def changed() -> None:
            if peer.connectionState in ("failed", "closed"):
                ended.set()

        resource: str | None = None
        authorization = {"Authorization": f"Bearer {self._token()}"}
        try:
            await self._offer(peer)
            response = await http.post(
                self._whip_url,
                content=peer.localDescription.sdp,
                headers={**authorization, "Content-Type": "application/sdp"},
            )
            response.raise_for_status()
            resource = str(response.url.join(response.headers["Location"]))
            answer = with_candidate(response.text, *self._media_address)
            await peer.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
            await ended.wait()
        finally:
            if resource is not None:
                with contextlib.suppress(httpx.HTTPError):
                    await http.delete(resource, headers=authorization, timeout=1.0)
            await peer.close()

    async def _offer(self, peer: RTCPeerConnection) -> None:
        peer.addTransceiver(demo_media.audio_track(self._loop), direction="sendonly")
        video = peer.addTransceiver(demo_media.video_track(self._loop), direction="sendonly")
        capabilities = RTCRtpSender.getCapabilities("video").codecs
        video.setCodecPreferences([codec for codec in capabilities if codec.name in ("VP8", "rtx")])
        _gather_at(video, self._media_address[0])
        await peer.setLocalDescription(await peer.createOffer())


def reachable_here(host: str) -> str:
    """The address by which this machine reaches a socket that is bound to `host`."""
    try:
        return "127.0.0.1" if ipaddress.ip_address(host).is_unspecified else host
    except ValueError:
        return host  # a name


def with_candidate(answer: str, host: str, port: int) -> str:
    """Add a host candidate (RFC 8839 section 5.1) of highest priority to each section of an answer."""
    line = f"a=candidate:demo 1 udp 2130706431 {host} {port} typ host\r\n"
    head, *sections = re.split(r"^m=", "\r\n".join(answer.splitlines()) + "\r\n", flags=re.MULTILINE)
    return head + "".join(f"m={section}{line}" for section in sections)


def _gather_at(transceiver: object, address: str) -> None:
    """Gather candidates at one address only: aioice leaves out loopback, and the server is on this machine."""
    connection = transceiver.sender.transport.transport.iceGatherer._connection  # type: ignore[attr-defined]
    gather = connection.get_component_candidates

    async def at_address(component: int, addresses: list[str]) -> object:
        return await gather(component, [address])

    connection.get_component_candidates = at_address
