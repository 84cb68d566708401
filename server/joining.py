"""From a `join` message to a member of a session."""

import logging
import time
from dataclasses import replace

from media.errors import MediaError, TicketRefused
from media.node import MediaNode
from qa_queue.queue import LiveQueue
from server.admission import Admission
from server.hub import Hub, Position
from server.hubs import Hubs
from server.ice_servers import IceServers
from server.kept import KeptLinks
from server.member import Identity, Member
from server.metrics import Metrics
from server.outbox import Outbox
from server.translate import to_slots
from signaling.errors import Busy
from signaling.messages import ErrorInfo, IceServer, Join, Joined, SessionInfo, Slot, Speakers, Switch, You

logger = logging.getLogger(__name__)


class Joining:
    """Admits, makes the media connection, and enters the log.

    Args:
        admission: sessions and tokens.
        hubs: the live sessions.
        queue: knows what moderators decided about who joins.
        media: makes receiving connections.
        kept: takes the media of a join that failed.
        ice_servers: told to whoever joins.
        metrics: counts tickets that are refused.
        max_members: more sockets than this are told `busy`.
    """

    def __init__(
        self,
        *,
        admission: Admission,
        hubs: Hubs,
        queue: LiveQueue,
        media: MediaNode,
        kept: KeptLinks,
        ice_servers: IceServers,
        metrics: Metrics,
        max_members: int,
    ) -> None:
        self._queue = queue
        self._admission = admission
        self._hubs = hubs
        self._media = media
        self._kept = kept
        self._ice_servers = ice_servers
        self._metrics = metrics
        self._max_members = max_members
        self._members: dict[Member, Hub] = {}

    def __len__(self) -> int:
        return len(self._members)

    async def join(self, message: Join, outbox: Outbox) -> Member:
        """Let a socket in; `joined` is queued in its outbox when this returns.

        Raises:
            SignalingError: not admitted, or no room.
            QueueError, StoreError: the log cannot be read now.
        """
        if len(self._members) >= self._max_members:
            raise Busy("this server is full")
        admitted = await self._admission.admit(message.session, message.token, self._hubs.record(message.session))
        hub = await self._hubs.get(admitted.record)
        member = await self._arrive(self._admission.identify(admitted, message.name, message.device), outbox)
        try:
            answer, media_error = await self._receive(member, message)
            position = hub.enter(member, message.last_event)
        except BaseException:
            member.leave_media(self._kept, for_good=True)
            raise
        self._welcome(member, hub, position, answer, media_error)
        return member

    async def switch(self, member: Member, message: Switch) -> Member:
        """Let a member of one session into another; its receiving connection goes along. `joined` is queued when this returns.

        Raises:
            SignalingError: not admitted; the member is where it was.
            QueueError, StoreError: the log cannot be read now; likewise.
        """
        admitted = await self._admission.admit(message.session, message.token, self._hubs.record(message.session))
        hub = await self._hubs.get(admitted.record)
        identity = self._admission.identify(admitted, message.name, member.identity.device)
        newcomer = await self._arrive(identity, member.outbox)
        newcomer.receive_link = member.receive_link
        position = hub.enter(newcomer, message.last_event)
        # From here on nothing waits, so that nothing of the session that is left comes behind `joined`.
        member.receive_link = None
        if newcomer.receive_link is not None:
            newcomer.receive_link.notify = None
            newcomer.receive_link.move(hub.record.id)
        self.leave(member, for_good=True)
        self._welcome(newcomer, hub, position, None, None)
        return newcomer

    def leave(self, member: Member, *, for_good: bool) -> None:
        """Take a member out; `for_good` ends its media at once."""
        self._members.pop(member).leave(member, for_good=for_good)

    def _welcome(
        self, member: Member, hub: Hub, position: Position, answer: str | None, media_error: ErrorInfo | None
    ) -> None:
        self._members[member] = hub
        link = member.receive_link
        slots = link.slots if link is not None else to_slots(self._media.rooms.shown(hub.record.id))
        ice_servers = self._ice_servers.credentials(hub.record.id, member.identity.person)
        member.send(_joined(member, hub, position, answer, media_error, ice_servers, slots))
        member.own()
        if speakers := self._media.rooms.speakers(hub.record.id):
            member.send(Speakers(speakers=speakers))

    async def _arrive(self, identity: Identity, outbox: Outbox) -> Member:
        """The role that counts is what moderators decided. Raises `QueueError` for the banned."""
        role = await self._queue.arrive(identity.session, identity.actor)
        return Member(replace(identity, role=role), outbox)  # type: ignore[arg-type]  # nobody arrives as the system

    def hub_of(self, member: Member) -> Hub:
        """The session that a member is in."""
        return self._members[member]

    async def _receive(self, member: Member, join: Join) -> tuple[str | None, ErrorInfo | None]:
        """The answer, or why there is none: without media the rest of the session works."""
        if join.offer is None:
            return None, None
        try:
            return (await member.receive(self._media, join.offer, join.ticket)).answer, None
        except MediaError as error:
            if isinstance(error, TicketRefused):
                self._metrics.tickets_refused.labels(error.reason).inc()
            return None, ErrorInfo(code=error.code, message=str(error))


def _joined(
    member: Member,
    hub: Hub,
    position: Position,
    answer: str | None,
    media_error: ErrorInfo | None,
    ice_servers: list[IceServer],
    slots: list[Slot],
) -> Joined:
    identity = member.identity
    return Joined(
        you=You(id=identity.person, name=identity.name, role=identity.role),
        token=identity.token,
        session=SessionInfo(id=hub.record.id, title=hub.record.title),
        answer=answer,
        media_error=media_error,
        ice_servers=ice_servers,
        slots=slots,
        seq=position.seq,
        snapshot=position.snapshot,
        events=position.events,
        present=position.present,
        server_time=int(time.time() * 1000),
    )
