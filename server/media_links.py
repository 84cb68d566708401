"""The media connections of a member, which outlive a socket that was lost."""

from collections.abc import Callable

from media import views
from media.connections import Connection, Publishing, Receiving
from media.node import MediaNode
from media.views import Publisher, SlotView, SourceKind
from server.publications import Publications
from server.translate import to_quality, to_slots
from signaling.errors import NoConnection
from signaling.messages import Encodings, MediaClosed, Quality, ServerMessage, Slot, Slots

FULL = Quality(picture="full", cause=None)
"""What a page takes for granted until it is told otherwise."""

Notify = Callable[[ServerMessage], None]


class ReceiveLink:
    """A receiving connection, and who is told about it.

    `notify` is set while a joined socket owns it; what happens in between is seen by the next owner in `slots`, `alive` and `catch_up`.
    """

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self.alive = True
        self.notify: Notify | None = None
        self._quality = FULL
        self._receiving: Receiving | None = None

    async def open(self, media: MediaNode, session: str, offer: str, ticket: str | None = None) -> str:
        """Make the connection, or take over that of the ticket; returns the SDP answer. Raises `MediaError`."""
        receiving = await media.receive(
            session,
            offer=offer,
            ticket=ticket,
            on_slots=self._changed,
            on_quality=self._quality_changed,
            on_closed=self._closed,
        )
        self._receiving = receiving
        # A change that came while the answer was made is newer than what the answer says.
        self.slots = self.slots or to_slots(receiving.slots)
        return receiving.answer

    def move(self, session: str) -> None:
        """Show another session by the same connection."""
        if self._receiving is not None:
            self.slots = to_slots(self._receiving.move(session))

    def catch_up(self) -> list[ServerMessage]:
        """What a new owner must be told beside the slots."""
        return [] if self._quality == FULL else [self._quality]

    def watch(self, pictures: bool) -> None:
        """Send pictures, or sound alone."""
        if self._receiving is not None:
            self._receiving.watch(pictures)

    @property
    def made_at(self) -> float:
        """When the server first heard of the connection, by `time.monotonic`."""
        return self._receiving.made_at if self._receiving is not None else float("inf")

    def when_media_begin(self, told: Callable[[float], None]) -> None:
        """Have `told` called with the time at which media began."""
        if self._receiving is not None:
            self._receiving.when_media_begin(told)

    def restart(self, offer: str) -> str:
        """Restart ICE; returns the SDP answer. Raises `MediaError`, or `NoConnection` where it has ended."""
        return _restart(self._receiving if self.alive else None, offer)

    def end(self) -> None:
        """End the connection; idempotent."""
        self.alive = False
        self.notify = None
        # Let go of, because it holds this one too.
        receiving, self._receiving = self._receiving, None
        if receiving is not None:
            receiving.end()

    def _changed(self, slots: list[SlotView]) -> None:
        self.slots = to_slots(slots)
        if self.notify is not None:
            self.notify(Slots(slots=self.slots))

    def _quality_changed(self, quality: views.Quality) -> None:
        self._quality = to_quality(quality)
        if self.notify is not None:
            self.notify(self._quality)

    def _closed(self, reason: str) -> None:
        self.alive, self._receiving = False, None
        if self.notify is not None:
            self.notify(MediaClosed(connection="receive", reason=reason))
            self.notify = None


class PublishLink:
    """A publication, and who is told about it; `notify` as above."""

    def __init__(self, publications: Publications, session: str, publisher: Publisher) -> None:
        self.alive = True
        self.notify: Notify | None = None
        self._publications = publications
        self._session = session
        self._publisher = publisher
        self.place = publisher.place
        self._publishing: Publishing | None = None
        self._encodings: dict[SourceKind, list[str]] = {}

    async def open(self, offer: str) -> Publishing:
        """Make the connection. Raises `MediaError`; what this person published before then stays."""
        self._publishing = await self._publications.publish(
            self._session, self._publisher, offer=offer, on_closed=self._closed, on_encodings=self._wanted
        )
        return self._publishing

    def restart(self, offer: str) -> str:
        """As above."""
        return _restart(self._publishing if self.alive else None, offer)

    def catch_up(self) -> list[ServerMessage]:
        """What a new owner must be told: the last word on encodings may have gone to a socket that was lost."""
        return [self._message(kind) for kind in self._encodings]

    def end(self) -> None:
        """End the connection; idempotent."""
        self.alive = False
        self.notify = None
        if self._publishing is not None:
            self._publications.end(self._session, self._publisher.person, self._publishing)

    def _wanted(self, kind: SourceKind, rids: list[str]) -> None:
        self._encodings[kind] = rids
        if self.notify is not None:
            self.notify(self._message(kind))

    def _message(self, kind: SourceKind) -> Encodings:
        assert self._publishing is not None  # encodings are wanted of what is published
        return Encodings(publication=self._publishing.id, kind=kind, active=self._encodings[kind])

    def _closed(self, reason: str) -> None:
        self.alive = False
        if self.notify is not None:
            self.notify(MediaClosed(connection="publish", reason=reason))
            self.notify = None


def _restart(connection: Connection | None, offer: str) -> str:
    if connection is None:
        raise NoConnection("this connection has ended; make a new one")
    return connection.restart(offer)


Link = ReceiveLink | PublishLink
