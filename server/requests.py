"""What a member may ask for after the join, and what comes of it."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from media.node import MediaNode
from qa_queue.errors import QueueError
from qa_queue.questions.model import Question
from qa_queue.questions.similar import similar
from qa_queue.queue import LiveQueue
from qa_queue.stage.model import Hand
from server.audit import acts_before
from server.hub import Hub
from server.join_times import JoinTimes
from server.member import Member
from server.publications import Publications
from server.reactions import Reactions
from server.views.entities import is_public
from signaling.commands import Answered, Answering
from signaling.errors import Forbidden, Unexpected
from signaling.messages import (
    Ack,
    Audit,
    Candidate,
    ClientMessage,
    Duplicates,
    GetAudit,
    GetDuplicates,
    GetTime,
    Join,
    JoinReport,
    Publish,
    React,
    Receive,
    Restart,
    ServerMessage,
    Switch,
    TimeIs,
    Unpublish,
    Unpublished,
    Watch,
)

Handler = Callable[[Member, Any], Awaitable[ServerMessage | None]]


class Requests:
    """Carries out messages. What a role may command is the queue's to say, which knows what moderators decided.

    Args:
        queue: where commands go.
        media: makes receiving connections.
        publications: makes publishing ones.
        reactions: gathers taps.
        times: what pages report.
        hub_of: the session that a member is in.
    """

    def __init__(
        self,
        *,
        queue: LiveQueue,
        media: MediaNode,
        publications: Publications,
        reactions: Reactions,
        times: JoinTimes,
        hub_of: Callable[[Member], Hub],
    ) -> None:
        self._times = times
        self.queue = queue
        self._media = media
        self._publications = publications
        self._reactions = reactions
        self._hub_of = hub_of
        self._handlers: dict[type, Handler] = {
            Join: self._join,
            Switch: self._join,
            Watch: self._watch,
            JoinReport: self._report,
            Receive: self._receive,
            Publish: self._publish,
            Restart: self._restart,
            Unpublish: self._unpublish,
            GetTime: self._time,
            React: self._react,
            GetDuplicates: self._duplicates,
            GetAudit: self._audit,
        }

    async def carry_out(self, member: Member, message: ClientMessage) -> ServerMessage | None:
        """Do what the message says; returns the reply, where there is one.

        Raises:
            SignalingError: the role may not do it, or the message may not come now.
            QueueError, MediaError, StoreError: it cannot be done.
        """
        return await self._handlers.get(type(message), self._command)(member, message)

    async def _command(self, member: Member, message: Any) -> Ack:
        """Commands of the wire are those of the queue, by name and fields."""
        args = msgspec.structs.asdict(message)
        cmd = args.pop("cmd")
        who, name = member.identity, str(message.__struct_config__.tag)
        if isinstance(message, Answering | Answered):
            args["media_at"] = self._media.rooms.media_time(who.session)
        done = await self.queue.run(who.session, who.actor, cmd, name, **args)
        return Ack(cmd=cmd, seq=done.seq, id=done.id)

    async def _join(self, member: Member, message: Join | Switch) -> None:
        raise Unexpected("this socket has joined already")

    async def _watch(self, member: Member, message: Watch) -> ServerMessage:
        return member.watch(message.pictures)

    async def _report(self, member: Member, message: JoinReport) -> None:
        if not member.reported:
            member.reported = True
            self._times.reported(message)

    async def _receive(self, member: Member, message: Receive) -> ServerMessage:
        return await member.receive(self._media, message.offer)

    async def _publish(self, member: Member, message: Publish) -> ServerMessage:
        if member.identity.role == "host":
            return await member.publish(self._publications, message.offer, place="main")
        hand = self._hub_of(member).state.get(Hand, member.identity.person)
        if hand is None or hand.state != "stage":
            raise Forbidden("only a host, or who is on stage, may publish")
        return await member.publish(self._publications, message.offer, place="stage")

    async def _restart(self, member: Member, message: Restart) -> ServerMessage:
        return member.restart(message.connection, message.offer)

    async def _unpublish(self, member: Member, message: Unpublish) -> ServerMessage:
        member.unpublish()
        return Unpublished()

    async def _time(self, member: Member, message: GetTime) -> ServerMessage:
        now_ms = time.time() * 1000
        return TimeIs(t0=message.t0, t1=now_ms, t2=now_ms)

    async def _react(self, member: Member, message: React) -> None:
        self._reactions.add(member.identity.session, message.reaction, message.count)

    async def _duplicates(self, member: Member, message: GetDuplicates) -> ServerMessage:
        _staff_only(member)
        state = self._hub_of(member).state
        question = state.get(Question, message.question)
        if question is None:
            raise QueueError("not_found")
        others = ((q.id, q.text) for q in state.all(Question) if q.id != question.id and _may_merge(q))
        found = [Candidate(id, score) for id, score in similar(question.text, others)]
        return Duplicates(question=question.id, candidates=found)

    async def _audit(self, member: Member, message: GetAudit) -> Audit:
        _staff_only(member)
        hub = self._hub_of(member)
        before = hub.seq + 1 if message.before is None else message.before
        return await acts_before(self.queue, hub.record.id, before, message.limit)


def _may_merge(question: Question) -> bool:
    return is_public(question) and question.state in ("queued", "answering")


def _staff_only(member: Member) -> None:
    if not member.identity.staff:
        raise Forbidden("only a host or a moderator may ask this")
