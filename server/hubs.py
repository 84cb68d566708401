"""The live sessions of this node."""

import asyncio
import logging

from qa_queue.queue import LiveQueue
from server.clockwork import Clockwork
from server.hub import Hub, load
from server.kept import KeptLinks
from server.metrics import Metrics
from server.sanctions import Sanctions
from store.sessions import SessionRecord

logger = logging.getLogger(__name__)

IDLE_S = 60.0
"""A session that nobody is in is let go after this."""


class Hubs:
    """Makes a hub when the first socket comes, and lets it go some time after the last one left.

    Args:
        queue: the log.
        kept: media of members who were lost.
        metrics: counts.
        stage_hold_s: how long a place on stage is kept for who is lost.
        idle_s: see `IDLE_S`.
    """

    def __init__(
        self,
        *,
        queue: LiveQueue,
        kept: KeptLinks,
        metrics: Metrics,
        stage_hold_s: float,
        idle_s: float = IDLE_S,
    ) -> None:
        self._stage_hold_s = stage_hold_s
        self._queue = queue
        self._kept = kept
        self._metrics = metrics
        self._idle_s = idle_s
        self._hubs: dict[str, Hub] = {}
        self._clockworks: dict[str, Clockwork] = {}
        self._loading: dict[str, asyncio.Task[Hub]] = {}
        self._idle: dict[str, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._hubs)

    def present(self, session: str) -> int:
        """People connected in a session."""
        hub = self._hubs.get(session)
        return len(hub.presence) if hub else 0

    def record(self, session: str) -> SessionRecord | None:
        """That of a session that is live here."""
        hub = self._hubs.get(session)
        return hub.record if hub else None

    def tell_speakers(self, session: str, people: list[str]) -> None:
        """Others speak in a session now; nobody is told where nobody is."""
        if hub := self._hubs.get(session):
            hub.tell_speakers(people)

    async def get(self, record: SessionRecord) -> Hub:
        """The hub of a session; many who come at once load it once."""
        if hub := self._hubs.get(record.id):
            self._watch(hub)
            return hub
        loading = self._loading.get(record.id)
        if loading is None:
            loading = self._loading[record.id] = asyncio.create_task(self._load(record))
            loading.add_done_callback(lambda _: self._loading.pop(record.id))
        # One who gives up must not take the hub from the others.
        return await asyncio.shield(loading)

    async def close(self) -> None:
        """Let all of them go."""
        for timer in self._idle.values():
            timer.cancel()
        hubs, self._hubs = list(self._hubs.values()), {}
        for clockwork in self._clockworks.values():
            clockwork.stop()
        await asyncio.gather(*(hub.close() for hub in hubs))

    async def _load(self, record: SessionRecord) -> Hub:
        loaded = await load(self._queue, record.id)
        hub = Hub(record, loaded, queue=self._queue, kept=self._kept, metrics=self._metrics)
        Sanctions(hub, self._queue, self._kept)
        self._clockworks[record.id] = Clockwork(hub, self._queue, stage_hold_s=self._stage_hold_s)
        self._hubs[record.id] = hub
        self._watch(hub)
        return hub

    def _watch(self, hub: Hub) -> None:
        """Look again after the idle time, counted from the last visit."""
        session = hub.record.id
        if session in self._idle:
            self._idle[session].cancel()
        self._idle[session] = asyncio.get_running_loop().call_later(self._idle_s, self._look, hub)

    def _look(self, hub: Hub) -> None:
        if not hub.empty:
            self._watch(hub)
            return
        del self._idle[hub.record.id], self._hubs[hub.record.id]
        self._clockworks.pop(hub.record.id).stop()
        hub.stop()
        logger.debug("session %s is idle and let go", hub.record.id)
