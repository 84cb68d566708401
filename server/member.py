"""One joined socket: who it is, its queue, and its media."""

from dataclasses import dataclass, field

from media.node import MediaNode
from media.views import Place, Publisher
from qa_queue.model import Actor
from server.kept import KeptLinks
from server.media_links import PublishLink, ReceiveLink
from server.outbox import Outbox
from server.publications import Publications
from signaling.codec import encode
from signaling.errors import NoConnection
from signaling.fields import ConnectionKind, Role
from signaling.messages import Published, Receiving, Restarted, ServerMessage, Slots


@dataclass(frozen=True)
class Identity:
    """Who a socket is.

    `role`: the one that counts; `token_role`: that of the token, which a moderator may have overridden.
    `token`: a new personal token where the one that came named no person. `device`: as the browser names itself.
    """

    session: str
    person: str
    name: str
    role: Role
    token: str | None
    token_role: Role = "member"
    device: str | None = None
    tier: int = 0

    @property
    def staff(self) -> bool:
        """Whether it is a host or a moderator."""
        return self.role != "member"

    @property
    def actor(self) -> Actor:
        """Who acts in the queue, with the role of the token."""
        return Actor(self.person, self.name, self.token_role, self.device, self.tier)


@dataclass(eq=False)
class Member:
    """A socket in a session. A person with two tabs is two members."""

    identity: Identity
    outbox: Outbox
    joined: bool = False
    """Whether `joined` was sent, so that what happens from now on is news."""
    reported: bool = False
    """Whether its page has told how its join went."""
    position: int = field(default=0, init=False)
    """In the log: what it was told up to now."""
    heard: int = field(default=0, init=False)
    """The same of what is said beside the log; see `Fanout.said`."""
    receive_link: ReceiveLink | None = field(default=None, init=False)
    publish_link: PublishLink | None = field(default=None, init=False)

    def send(self, message: ServerMessage) -> None:
        """Queue a message for this socket alone."""
        self.outbox.put(encode(message))

    async def receive(self, media: MediaNode, offer: str, ticket: str | None = None) -> Receiving:
        """A new receiving connection instead of the old one. Raises `MediaError`; the old one then stays."""
        link = ReceiveLink()
        answer = await link.open(media, self.identity.session, offer, ticket)
        old, self.receive_link = self.receive_link, link
        if old is not None:
            old.end()
        if self.joined:
            link.notify = self.send
        return Receiving(answer=answer, slots=link.slots)

    @property
    def on_stage(self) -> bool:
        """Whether it publishes there."""
        return self.publish_link is not None and self.publish_link.place == "stage"

    def watch(self, pictures: bool) -> Slots:
        """Send pictures, or sound alone while nobody looks; returns what is where."""
        link = self.receive_link
        if link is not None:
            link.watch(pictures)
        return Slots(slots=link.slots if link is not None else [])

    async def publish(self, publications: Publications, offer: str, *, place: Place) -> Published:
        """Go live, or replace what is live. Raises `MediaError`; what was live then stays."""
        old = self.publish_link
        if old is not None:
            old.notify = None  # it is this page that replaces it, and it knows
        link = PublishLink(
            publications, self.identity.session, Publisher(self.identity.person, self.identity.name, place)
        )
        try:
            publishing = await link.open(offer)
        except BaseException:
            if old is not None:
                old.notify = self.send
            raise
        self.publish_link, link.notify = link, self.send
        return Published(publication=publishing.id, answer=publishing.answer)

    def restart(self, connection: ConnectionKind, offer: str) -> Restarted:
        """Restart ICE of a connection. Raises `MediaError`, or `NoConnection` where there is none; media go on either way."""
        link = self.receive_link if connection == "receive" else self.publish_link
        if link is None:
            raise NoConnection(f"there is no connection to {connection} with; make a new one")
        return Restarted(connection=connection, answer=link.restart(offer))

    def unpublish(self) -> None:
        """Stop being live; harmless when nothing is."""
        link, self.publish_link = self.publish_link, None
        if link is not None:
            link.end()

    def take_over(self, kept: KeptLinks) -> None:
        """Become the owner of what this person's lost sockets left, where this one has nothing of its own."""
        session, person = self.identity.session, self.identity.person
        if self.receive_link is None:
            self.receive_link = kept.take(session, person, ReceiveLink)
        if self.publish_link is None:
            self.publish_link = kept.take(session, person, PublishLink)

    def own(self) -> None:
        """Begin to be told about the media; called when `joined` is queued, whose slots say what is there."""
        self.joined = True
        for link in (self.receive_link, self.publish_link):
            if link is not None:
                link.notify = self.send
                for message in link.catch_up():
                    self.send(message)

    def leave_media(self, kept: KeptLinks, *, for_good: bool) -> None:
        """Give the media away: closed for good, or kept for the person's next join."""
        links = (self.receive_link, self.publish_link)
        self.receive_link = self.publish_link = None
        for link in links:
            if link is None:
                continue
            if for_good:
                kept.end(link)
            else:
                kept.keep(self.identity.session, self.identity.person, link)

    def inherit(self, kept: KeptLinks) -> None:
        """Take over while joined: another socket of the same person was lost after this one had joined."""
        had_none = self.receive_link is None
        self.take_over(kept)
        self.own()
        if had_none and self.receive_link is not None:
            self.send(Slots(slots=self.receive_link.slots))
