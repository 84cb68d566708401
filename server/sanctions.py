"""What moderators decided takes hold of the sockets that are here."""

import asyncio
import logging

from qa_queue.events import Event
from qa_queue.moderation.model import Member as Decision
from qa_queue.stage.model import Hand
from server.hub import CLOSE_RESTART, Hub
from server.member import Member
from signaling.errors import Banned, to_message

logger = logging.getLogger(__name__)


class Sanctions:
    """Follows one hub.

    Args:
        hub: the session.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._ending: set[asyncio.Task[None]] = set()
        hub.hooks.append(self._on_event)

    def _on_event(self, event: Event) -> None:
        match event.data:
            case Decision() as decision:
                self._decide(decision)
            case Hand(state="down") as hand:
                for member in self._hub.members_of(hand.id):
                    self._end_stage(member)

    def _decide(self, decision: Decision) -> None:
        if decision.banned:
            for member in list(self._hub.members()):
                if member.identity.person == decision.person or member.identity.device in decision.devices:
                    _send_away(member)
            return
        for member in self._hub.members_of(decision.person):
            if member.identity.role != (decision.role or member.identity.token_role) and not decision.via:
                # What it was sent is for another role, so it joins anew.
                member.outbox.finish(CLOSE_RESTART)

    def _end_stage(self, member: Member) -> None:
        if member.on_stage:
            task = asyncio.create_task(_unpublish(member))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)


def _send_away(member: Member) -> None:
    message, close_code = to_message(Banned("a moderator has closed this session for you"))
    member.send(message)
    member.outbox.finish(close_code or CLOSE_RESTART)


async def _unpublish(member: Member) -> None:
    try:
        await member.unpublish()
    except Exception:
        logger.exception("ending a publication failed")
