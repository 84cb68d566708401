"""What a member may ask for after the join, and what comes of it."""

from media.node import MediaNode
from qa_queue.model import Person
from qa_queue.queue import LiveQueue
from server.join_times import JoinTimes
from server.member import Identity, Member
from server.publications import Publications
from signaling.errors import Forbidden, Unexpected
from signaling.messages import (
    Ack,
    Answered,
    Answering,
    Ask,
    ClientMessage,
    Command,
    Join,
    JoinReport,
    Publish,
    Receive,
    Restart,
    ServerMessage,
    Switch,
    Unpublish,
    Unpublished,
    Unvote,
    Vote,
    Watch,
)


class Requests:
    """Carries out messages; the role decides what is allowed.

    Args:
        queue: where commands go.
        media: makes receiving connections.
        publications: makes publishing ones.
        times: what pages report.
    """

    def __init__(self, *, queue: LiveQueue, media: MediaNode, publications: Publications, times: JoinTimes) -> None:
        self._times = times
        self.queue = queue
        self._media = media
        self._publications = publications

    async def carry_out(self, member: Member, message: ClientMessage) -> ServerMessage | None:
        """Do what the message says; returns the reply, where there is one.

        Raises:
            SignalingError: the role may not do it, or the message may not come now.
            QueueError, MediaError, StoreError: it cannot be done.
        """
        match message:
            case JoinReport():
                if not member.reported:
                    member.reported = True
                    self._times.reported(message)
                return None
            case Watch(pictures=pictures):
                return member.watch(pictures)
            case Join() | Switch():
                raise Unexpected("this socket has joined already")
            case Receive(offer=offer):
                return await member.receive(self._media, offer)
            case Publish(offer=offer):
                if member.identity.role != "host":
                    raise Forbidden("only a host may publish")
                return await member.publish(self._publications, offer)
            case Restart(connection=connection, offer=offer):
                return member.restart(connection, offer)
            case Unpublish():
                await member.unpublish()
                return Unpublished()
            case _:
                return await self._command(member.identity, message)

    async def _command(self, who: Identity, command: Command) -> Ack:
        if isinstance(command, Answering | Answered) and who.role == "member":
            raise Forbidden("only a host or a moderator may do this")
        session, person, cmd = who.session, Person(who.person, who.name), command.cmd
        match command:
            case Ask(text=text):
                done = await self.queue.ask(session, person, cmd, text)
            case Vote(question=question):
                done = await self.queue.vote(session, person, cmd, question)
            case Unvote(question=question):
                done = await self.queue.unvote(session, person, cmd, question)
            case Answering(question=pointer):
                done = await self.queue.answering(session, person, cmd, pointer)
            case Answered(question=question):
                done = await self.queue.answered(session, person, cmd, question)
        return Ack(cmd=cmd, seq=done.seq, question=done.question)
