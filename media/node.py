"""Media of one node: takes offers, gives answers, and lets those who publish and receive into rooms."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from livetrial_plane import Plane
from media import answer, negotiation, sections
from media.adaptation import Adaptation
from media.answer import AnsweredSection
from media.config import MediaConfig
from media.connections import Publishing, Receiving
from media.demand import Demand
from media.errors import TicketRefused
from media.link import PlaneLink
from media.offer import Offer, OfferedSection
from media.peer import Peer
from media.peers import Peers
from media.policy import PolicyConfig
from media.room import Publication, Receiver, Slot, Source
from media.rooms import Rooms
from media.rounds import Sooner, every
from media.seat import Seat
from media.speakers import LISTEN_INTERVAL_S
from media.tickets import LIFETIME_S, Ticket, Tickets, TicketStream
from media.views import AUDIO_SLOTS, VIDEO_SLOTS, OnEncodings, Publisher, Quality, SlotView, SourceKind, SourceView

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

POLICY = PolicyConfig()
"""By which viewers are adapted."""


class MediaNode:
    """Call `start` in the event loop before anything else."""

    def __init__(self, config: MediaConfig) -> None:
        self.on_speakers: Callable[[str, list[str]], None] = lambda room, people: None
        """Called with a room and the people who speak in it, when others do; at most twice a second."""
        self.endings: Counter[str] = Counter()
        """Peers that ended, by reason; see `Peer`."""
        self._config = config
        self._link = PlaneLink()
        self.rooms = Rooms(self._link, lambda room, people: self.on_speakers(room, people))
        """To be asked what is shown and heard in them."""
        self._ticket_key = secrets.token_bytes(32)
        self._tickets = Tickets(self._ticket_key)
        self._peers = Peers(self._link, config, self._tickets, self.endings)
        self._adaptation: Adaptation | None = None
        self._worsened = asyncio.Event()
        """Some viewer's link has, since the last pass of the adaptation."""
        self._rounds: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Bind the media port and run the plane.

        Raises:
            OSError: the port cannot be bound.
        """
        config = self._config
        plane = Plane(host=config.host, port=config.port, tcp=config.tcp, workers=config.workers)
        self._link.start(plane, self.rooms.on_encoding, self._peers.early.begin, self._worsened.set)
        plane.accept_tickets(self._ticket_key)
        self._repeat("speakers", LISTEN_INTERVAL_S, self.rooms.hear)
        if config.adaptation:
            self._adaptation = Adaptation(plane, POLICY)
            sooner = Sooner(self._worsened, POLICY.least_interval_s)
            self._repeat("adaptation", POLICY.interval_s, self._adaptation.run, sooner)

    async def close(self) -> None:
        """End all peers and free the port. Idempotent."""
        for task in self._rounds:
            task.cancel()
        self._peers.close()
        self._link.close()

    @property
    def port(self) -> int:
        """The media port that is bound.

        Raises:
            Busy: the plane does not run.
        """
        return self._link.plane.port

    def snapshot(self) -> "npt.NDArray[np.void]":
        """What the plane knows of each sink and of its viewer's link; see `Plane.snapshot`.

        Raises:
            Busy: the plane does not run.
        """
        return self._link.plane.snapshot()

    def stats(self) -> dict[str, int]:
        """The plane's counters and gauges, and the peers that wait for their `join`.

        Raises:
            Busy: the plane does not run.
        """
        return {**self._link.plane.stats(), **self._peers.early.stats()}

    def quality(self) -> dict[str, int]:
        """Viewers by what they get; see `Adaptation.quality`. Empty without adaptation."""
        return self._adaptation.quality() if self._adaptation else {}

    def links(self) -> "dict[str, npt.NDArray[np.float64]]":
        """What viewers' links are like; see `Adaptation.links`. Empty without adaptation, and where the plane stopped."""
        try:
            return self._adaptation.links() if self._adaptation else {}
        except RuntimeError:
            return {}

    def ticket(self, room: str) -> Ticket:
        """What a page needs to write the answer to its receiving offer itself. Keeps nothing.

        Raises:
            Busy: the plane does not run.
        """
        ufrag = self._tickets.mint(room)

        def streams(slots: tuple[str, ...]) -> list[TicketStream]:
            return [TicketStream(slot, *self._tickets.ssrcs(ufrag, slot), *sections.names_of(slot)) for slot in slots]

        return Ticket(
            ufrag=ufrag,
            pwd=self._tickets.password(ufrag),
            lifetime_s=LIFETIME_S,
            fingerprint=self._peers.fingerprint,
            candidates=answer.candidate_lines(self._peers.candidates()),
            codecs=negotiation.receivable_names(),
            extensions=negotiation.passed_on_uris(adaptive=self._config.adaptation),
            feedback=[*answer.VIDEO_FEEDBACK, *(["transport-cc"] if self._config.adaptation else [])],
            video=streams(VIDEO_SLOTS),
            audio=streams(AUDIO_SLOTS),
        )

    async def publish(
        self,
        room: str,
        *,
        publisher: Publisher,
        offer: str,
        prefer_passive: bool = False,
        on_closed: Callable[[str], None],
        on_encodings: OnEncodings | None = None,
    ) -> Publishing:
        """Take an offer that sends: at most one audio section, one or two of video (camera, then screen).

        Args:
            room: where it is shown.
            publisher: who sends.
            offer: SDP.
            prefer_passive: DTLS role where the offer leaves it open.
            on_closed: called once with the reason when it ends without `end`.
            on_encodings: called when others of a simulcast's encodings are wanted; all are until then. None: this
                publisher cannot be told, and sends all that it offered.

        Raises:
            BadOffer, UnsupportedMedia, Busy: nothing was kept.
        """
        parsed = Offer.parse(offer)
        chosen = list(sections.published_sections(parsed))
        answers = [
            sections.receiving_answer(section, redundant_audio=self._config.redundant_audio)
            if kind
            else AnsweredSection()
            for section, kind in zip(parsed.sections, chosen, strict=True)
        ]
        publication = Publication(secrets.token_urlsafe(12), publisher, [])

        def leave() -> None:
            self.rooms.unpublish(room, publication)
            self._peers.forget(negotiated.peer)

        def closed(reason: str) -> None:
            leave()
            on_closed(reason)

        negotiated = self._peers.make(parsed, answers, prefer_passive=prefer_passive, on_closed=closed)
        for section, answered, kind in zip(parsed.sections, answers, chosen, strict=True):
            if kind is not None:
                source = self._add_source(negotiated.peer, section, answered, kind, publication)
                if on_encodings is not None and len(section.rids) > 1:
                    source.demand = _demand(kind, section.rids, on_encodings)
                publication.sources.append(source)
        self.rooms.publish(room, publication)
        return Publishing(publication.id, negotiated.answer(), leave, negotiated)

    async def receive(
        self,
        room: str,
        *,
        offer: str,
        prefer_passive: bool = False,
        ticket: str | None = None,
        on_slots: Callable[[list[SlotView]], None],
        on_quality: Callable[[Quality], None] = lambda quality: None,
        on_closed: Callable[[str], None],
    ) -> Receiving:
        """Take an offer that receives: up to four video and four audio sections, which become the slots in their order.

        Args:
            ticket: ufrag of the ticket that the client has written the answer with. Its connection is as good as up then.
            on_quality: called when what `main` shows becomes more or less than all, or for another cause; all at first.

        Raises:
            BadOffer, UnsupportedMedia, TicketRefused, Busy: nothing was kept.
        """
        parsed = Offer.parse(offer)
        if ticket is not None:
            self._tickets.check(ticket, room)
            if negotiation.dtls_role(parsed, prefer_passive=prefer_passive) != "client":
                raise TicketRefused("a ticket is for offers that leave the DTLS role open", "role")
        ssrcs = None if ticket is None else (lambda slot: self._tickets.ssrcs(ticket, slot))
        names = list(sections.slot_names(parsed))
        answers = [
            sections.sending_answer(section, name, ssrcs, adaptive=self._config.adaptation)
            if name
            else AnsweredSection()
            for section, name in zip(parsed.sections, names, strict=True)
        ]

        def leave() -> None:
            self._peers.forget(negotiated.peer)
            seat.leave()
            stop_adapting()

        def closed(reason: str) -> None:
            leave()
            on_closed(reason)

        with self._link.together():
            negotiated = self._peers.make(
                parsed, answers, prefer_passive=prefer_passive, on_closed=closed, ticket=ticket
            )
            slots = [
                self._add_sink(negotiated.peer, section, answered, name)
                for section, answered, name in zip(parsed.sections, answers, names, strict=True)
                if name is not None
            ]
            receiver = Receiver(slots, on_slots, on_quality)
            seat = Seat(receiver, room, self.rooms.enter, self.rooms.left)
            stop_adapting = self._follow(negotiated.peer, receiver, seat)
            shown = seat.take()
        return Receiving(secrets.token_urlsafe(12), negotiated.answer(), leave, negotiated, slots=shown, _seat=seat)

    def _follow(self, peer: Peer, receiver: Receiver, seat: Seat) -> Callable[[], None]:
        """Adapt a receiver to its link, where this node does that; returns what ends it."""
        adaptation = self._adaptation
        if adaptation is None:
            return lambda: None
        viewer = adaptation.add(peer.id, seat.bound)
        receiver.wishes = partial(adaptation.wish, viewer)

        def stop() -> None:
            adaptation.remove(viewer)
            receiver.wishes = None  # or the two of them hold each other

        return stop

    def _add_source(
        self, peer: Peer, section: OfferedSection, answered: AnsweredSection, kind: SourceKind, publication: Publication
    ) -> Source:
        codec = negotiation.publishable(section)
        encodings = max(1, len(section.rids))
        person = publication.publisher
        view = SourceView(person.person, person.name, kind, publication.id)
        source = Source(self._link.next_id(), kind, codec.name, view, [False] * encodings)
        self._link.plane.add_source(
            source.id,
            peer=peer.id,
            kind="audio" if kind == "microphone" else "video",
            mid=section.mid,
            codecs=negotiation.plane_codecs(answered.codecs),
            rids=list(section.rids),
            ssrcs=[] if section.rids else list(section.ssrcs[:1]),
        )
        return source

    def _add_sink(self, peer: Peer, section: OfferedSection, answered: AnsweredSection, name: str) -> Slot:
        assert answered.stream is not None
        sink = self._link.next_id()
        self._link.plane.add_sink(
            sink,
            peer=peer.id,
            mid=section.mid,
            ssrc=answered.stream.ssrc,
            rtx_ssrc=answered.stream.rtx_ssrc,
            cname=answered.stream.cname,
            codecs=negotiation.plane_codecs(answered.codecs),
        )
        if answered.fec:
            self._link.plane.add_fec(sink, ssrc=answered.stream.fec_ssrc, payload_type=answered.fec.payload_type)
        return Slot(name, section.mid, sink, frozenset(codec.name for codec in answered.codecs))

    def _repeat(
        self, what: str, interval_s: float, step: Callable[[float], None], sooner: Sooner | None = None
    ) -> None:
        self._rounds.append(asyncio.create_task(every(interval_s, step, what, sooner), name=what))


def _demand(kind: SourceKind, rids: tuple[str, ...], on_encodings: OnEncodings) -> Demand:
    def tell(encodings: list[int]) -> None:
        on_encodings(kind, [rids[encoding] for encoding in encodings])

    return Demand(len(rids), tell, asyncio.get_running_loop().call_later)
