"""The composition root: makes the parts of one node and ties them together."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from media.config import MediaConfig
from media.errors import MediaError
from media.node import MediaNode
from qa_queue.queue import LiveQueue
from server.admission import Admission
from server.config import Settings
from server.doorway import Doorway
from server.hubs import Hubs
from server.ice_servers import IceServers
from server.joining import Joining
from server.kept import KeptLinks
from server.links import Links
from server.metrics import Metrics
from server.publications import Publications
from server.reactions import Reactions
from server.requests import Requests
from server.tokens import Tokens
from server.whip_resources import Resources
from store.connection import Store, open_store
from store.errors import StoreError
from store.sessions import Sessions

logger = logging.getLogger(__name__)

READY_TIMEOUT_S = 2.0
"""Less than those who ask usually wait."""

PLANE_GAUGES = frozenset(
    {
        "peers",
        "sources",
        "sinks",
        "addresses",
        "early_peers",
        "tcp_connections",
        "udp_segments_max",
        "udp_receive_buffer_octets",
        "udp_send_buffer_octets",
    }
)


@dataclass(frozen=True)
class Node:
    """All parts of a running node."""

    settings: Settings
    store: Store
    sessions: Sessions
    media: MediaNode
    tokens: Tokens
    admission: Admission
    links: Links
    metrics: Metrics
    hubs: Hubs
    publications: Publications
    resources: Resources
    ice_servers: IceServers
    joining: Joining
    doorway: Doorway
    requests: Requests
    queue: LiveQueue
    reactions: Reactions

    async def missing(self) -> dict[str, str]:
        """What keeps this node from serving, by part; empty when it is ready."""
        found: dict[str, str] = {}
        for part, check in (("store", self.store.ping), ("media", self._check_media)):
            try:
                async with asyncio.timeout(READY_TIMEOUT_S):
                    await check()
            except (StoreError, MediaError, TimeoutError) as error:
                logger.warning("not ready: %s: %s", part, error)
                found[part] = str(error) or "no answer in time"
        return found

    async def _check_media(self) -> None:
        self.media.stats()


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Node]:
    """A node, from its start to its orderly end: media closed, then the store shut down; data stay.

    Raises:
        StoreError: the store cannot be opened.
        OSError: the media port cannot be bound, or the data directory cannot be written.
    """
    async with contextlib.AsyncExitStack() as stack:
        api_key_and_secret = settings.api_key_value(), settings.secret_value()
        store = await open_store(settings.redis_url, settings.data_dir)
        stack.push_async_callback(store.close)
        media = MediaNode(
            MediaConfig(
                host=settings.media_host,
                port=settings.media_port,
                tcp=settings.media_tcp,
                redundant_audio=settings.redundant_audio,
                adaptation=settings.adaptation,
                udp_announced=settings.media_udp,
                announced=settings.announced_addresses(),
                workers=settings.workers,
            )
        )
        await media.start()
        stack.push_async_callback(media.close)
        node, kept = _compose(settings, store, media, api_key_and_secret[1])
        stack.callback(kept.close)
        stack.push_async_callback(node.hubs.close)
        stack.push_async_callback(node.reactions.close)
        yield node


def _compose(settings: Settings, store: Store, media: MediaNode, secret: str) -> tuple[Node, KeptLinks]:
    sessions, queue, kept, metrics = (
        Sessions(store),
        LiveQueue(store),
        KeptLinks(hold_s=settings.media_hold_s),
        Metrics(),
    )
    tokens = Tokens(secret, lifetime_s=settings.token_lifetime_s)
    admission = Admission(sessions, tokens)
    hubs = Hubs(queue=queue, kept=kept, metrics=metrics, stage_hold_s=settings.stage_hold_s)
    media.on_speakers = hubs.tell_speakers
    publications = Publications(media)
    doorway = Doorway()
    resources = Resources(limit=settings.max_members)
    ice_servers = IceServers(
        turn_urls=settings.turn_urls,
        turn_secret=settings.turn_secret,
        turn_ttl_s=settings.turn_ttl_s,
        stun_urls=settings.stun_urls,
    )
    reactions = Reactions(queue)
    joining = Joining(
        admission=admission,
        hubs=hubs,
        queue=queue,
        media=media,
        kept=kept,
        ice_servers=ice_servers,
        metrics=metrics,
        max_members=settings.max_members,
    )
    node = Node(
        settings=settings,
        store=store,
        sessions=sessions,
        media=media,
        tokens=tokens,
        admission=admission,
        links=Links(settings.public_url),
        metrics=metrics,
        hubs=hubs,
        publications=publications,
        resources=resources,
        ice_servers=ice_servers,
        joining=joining,
        doorway=doorway,
        requests=Requests(
            queue=queue,
            media=media,
            publications=publications,
            reactions=reactions,
            times=metrics.join_times,
            hub_of=joining.hub_of,
        ),
        queue=queue,
        reactions=reactions,
    )
    metrics.watch("livetrial_members", "Sockets that have joined", joining)
    metrics.watch("livetrial_joins_waiting", "Joins that wait for their turn", doorway)
    metrics.watch("livetrial_sessions", "Sessions with a hub on this node", hubs)
    metrics.watch("livetrial_publications", "Publications", publications)
    metrics.watch("livetrial_whip_resources", "WHIP and WHEP connections", resources)
    metrics.watch_plane(lambda: _plane_stats(media), PLANE_GAUGES)
    metrics.watch_endings(media.endings)
    metrics.watch_quality(media.quality)
    metrics.watch_links(media.links)
    return node, kept


def _plane_stats(media: MediaNode) -> dict[str, int]:
    try:
        return media.stats()
    except MediaError:
        return {}  # it is `/readyz` that says so; the other numbers are still wanted
