"""What moderators decided takes hold of the sockets that are here."""

import asyncio
import logging
import secrets
from collections.abc import Coroutine

from qa_queue.errors import QueueError
from qa_queue.events import Event
from qa_queue.model import SYSTEM
from qa_queue.moderation.model import Member as Decision
from qa_queue.queue import LiveQueue
from qa_queue.stage.model import Hand
from server.hub import CLOSE_RESTART, Hub
from server.kept import KeptLinks
from server.media_links import Link, PublishLink
from server.member import Member
from signaling.errors import Banned, to_message
from store.errors import StoreError

logger = logging.getLogger(__name__)


class Sanctions:
    """Follows one hub.

    Args:
        hub: the session.
        queue: where those are taken from the stage who left.
        kept: media of those who were lost; they do not come back to a stage that they left.
    """

    def __init__(self, hub: Hub, queue: LiveQueue, kept: KeptLinks) -> None:
        self._kept = kept
        self._hub = hub
        self._queue = queue
        hub.on_left = self.left
        self._ending: set[asyncio.Task[None]] = set()
        hub.hooks.append(self._on_event)

    def _on_event(self, event: Event) -> None:
        match event.data:
            case Decision() as decision:
                self._decide(decision)
            case Hand(state="down") as hand:
                self._kept.drop(self._hub.record.id, hand.id, _on_stage)
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

    def left(self, person: str) -> None:
        """Somebody closed the last page here: the stage and the line of hands do not wait."""
        hand = self._hub.state.get(Hand, person)
        if hand is not None and hand.state != "down":
            name = "stage_leave" if hand.state == "stage" else "hand_lower"
            self._run(_retire(self._queue, self._hub.record.id, name, hand))

    def _run(self, what: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(what)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _end_stage(self, member: Member) -> None:
        if member.on_stage:
            try:
                member.unpublish()
            except Exception:
                logger.exception("ending a publication failed")


def _on_stage(link: Link) -> bool:
    return isinstance(link, PublishLink) and link.place == "stage"


def _send_away(member: Member) -> None:
    message, close_code = to_message(Banned("a moderator has closed this session for you"))
    member.send(message)
    member.outbox.finish(close_code or CLOSE_RESTART)


async def _retire(queue: LiveQueue, session: str, name: str, hand: Hand) -> None:
    try:
        await queue.run(session, SYSTEM, f"left-{hand.id}-{secrets.token_hex(4)}"[:40], name, person=hand.id)
    except (QueueError, StoreError) as error:
        logger.info("%s in session %s was not needed or not possible: %s", name, session, error)
