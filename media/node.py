"""Media of one node: takes offers, gives answers, and keeps peers and rooms until they end."""

import asyncio
import contextlib
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from livetrial_plane import Plane
from media import answer, negotiation, sections
from media.adaptation import Adaptation
from media.announced import Announced
from media.answer import AnsweredSection, Candidate
from media.demand import Demand
from media.dtls import NodeCertificate
from media.early import EarlyPeers
from media.errors import Busy, TicketRefused
from media.link import PlaneLink
from media.negotiated import Negotiated
from media.offer import Offer, OfferedSection
from media.peer import Peer
from media.policy import PolicyConfig
from media.room import Publication, Receiver, Room, Slot, Source
from media.seat import Seat
from media.speakers import LISTEN_INTERVAL_S
from media.tickets import LIFETIME_S, Ticket, Tickets, TicketStream
from media.views import AUDIO_SLOTS, VIDEO_SLOTS, OnEncodings, Publisher, Quality, SlotView, SourceKind, SourceView

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from livetrial_plane import EncodingStats

logger = logging.getLogger(__name__)

POLICY = PolicyConfig()
"""By which viewers are adapted."""

LEAST_PASS_INTERVAL_S = 0.03
"""Between two passes over the viewers' links, however many of them begin to lose packets."""


@dataclass(frozen=True)
class MediaConfig:
    """How the node's media port is bound and announced.

    Args:
        host: address to bind; "::" takes IPv4 too.
        port: UDP port; 0 lets the kernel choose.
        tcp: take connections on the TCP port of the same number, and announce it, for networks without UDP.
        udp_announced: announce UDP; False where no UDP comes through to the port.
        announced: where clients are to send to, best first; `Announced.parse` reads them.
        workers: the plane's worker threads, 1 to 64.
        redundant_audio: take RED audio (RFC 2198) of publishers who prefer it: earlier frames in each packet, which repair
            what their uplink loses, for about twice the audio bitrate.
        adaptation: show each viewer what its link bears; otherwise the best, whatever comes of it.
    """

    host: str = "0.0.0.0"
    port: int = 8081
    tcp: bool = True
    udp_announced: bool = True
    announced: tuple[str, ...] = ("127.0.0.1",)
    workers: int = 1
    redundant_audio: bool = True
    adaptation: bool = True


@dataclass(eq=False)
class Connection:
    """A peer's side of a session. `answer` is the SDP; `close` ends it without calling `on_closed`."""

    id: str
    answer: str
    _close: Callable[[], "asyncio.Future[None] | object"] = field(repr=False)
    _negotiated: Negotiated = field(repr=False)

    def restart(self, offer: str) -> str:
        """Restart ICE upon an offer of the same sections and certificate; returns the answer. Media go on meanwhile.

        Raises:
            BadOffer: it wants more than that. Nothing has changed.
        """
        return self._negotiated.restart(offer)

    def restart_fragment(self) -> str:
        """Restart ICE without an offer; returns our credentials and candidates as trickle-ice-sdpfrag (RFC 8840)."""
        return self._negotiated.restart_fragment()

    def end(self) -> None:
        """Leave the room and say goodbye. Idempotent."""
        peer = self._negotiated.peer
        with peer.link.together():
            self._close()
            peer.close()

    async def close(self) -> None:
        """The same, where ways to end are awaited."""
        self.end()


@dataclass(eq=False)
class Publishing(Connection):
    """A connection that publishes."""


@dataclass(eq=False)
class Receiving(Connection):
    """A connection that receives. `slots` is what it showed at the start; later lists went to `on_slots`."""

    slots: list[SlotView] = field(default_factory=list)
    _seat: Seat = field(repr=False, kw_only=True)

    def prefer(
        self, slot: str, encoding: int | None, *, spatial: int | None = None, temporal: int | None = None
    ) -> None:
        """Show a slot at an encoding (0 is the lowest) as long as it arrives; None: choose. Of a scalable one, layers up to these."""
        self._seat.prefer(slot, encoding, spatial=spatial, temporal=temporal)

    def watch(self, pictures: bool) -> None:
        """Send pictures, or sound alone while nobody looks."""
        self._seat.watch(pictures)

    @property
    def made_at(self) -> float:
        """When this node first heard of it, by `time.monotonic`."""
        return self._negotiated.peer.made_at

    def when_media_begin(self, told: Callable[[float], None]) -> None:
        """Have `told` called with the time of `time.monotonic` at which the first packet left or may leave."""
        self._negotiated.peer.when_media_begin(told)

    def move(self, room: str) -> list[SlotView]:
        """Show another room by the same connection; returns its slots."""
        return self._seat.move(room)


class MediaNode:
    """Call `start` in the event loop before anything else."""

    def __init__(self, config: MediaConfig) -> None:
        self.on_speakers: Callable[[str, list[str]], None] = lambda room, people: None
        """Called with a room and the people who speak in it, when others do; at most twice a second."""
        self.endings: Counter[str] = Counter()
        """Peers that ended, by reason; see `Peer`."""
        self._listening: asyncio.Task[None] | None = None
        self._adapting: asyncio.Task[None] | None = None
        self._adaptation: Adaptation | None = None
        self._hurry = asyncio.Event()
        """Set when a link begins to lose much: what is done against it must not wait for the next pass."""
        self._config = config
        self._announced = [Announced.parse(text) for text in config.announced]
        self._link: PlaneLink | None = None
        self._certificate: NodeCertificate = NodeCertificate.generateCertificate()
        self._rooms: dict[str, Room] = {}
        self._sources: dict[int, tuple[Room, Source]] = {}
        self._peers: set[Peer] = set()
        self._ticket_key = secrets.token_bytes(32)
        self._tickets = Tickets(self._ticket_key)
        self._early = EarlyPeers(self._tickets, self._early_peer)

    async def start(self) -> None:
        """Bind the media port and run the plane.

        Raises:
            OSError: the port cannot be bound.
        """
        config = self._config
        plane = Plane(host=config.host, port=config.port, tcp=config.tcp, workers=config.workers)
        self._link = PlaneLink(plane, self._on_encoding, self._early.begin, self._hurry.set)
        plane.accept_tickets(self._ticket_key)
        self._listening = asyncio.create_task(self._listen(plane), name="speakers")
        if config.adaptation:
            self._adaptation = Adaptation(plane, POLICY)
            self._adapting = asyncio.create_task(self._adapt(self._adaptation), name="adaptation")

    async def close(self) -> None:
        """End all peers and free the port. Idempotent."""
        if self._link is None:
            return
        for task in (self._listening, self._adapting):
            if task is not None:
                task.cancel()
        for peer in list(self._peers):
            peer.close()
        self._link.close()
        self._link = None

    @property
    def port(self) -> int:
        """The media port that is bound.

        Raises:
            Busy: the plane does not run.
        """
        return self._plane.port

    def shown(self, room: str) -> list[SlotView]:
        """The slots of a room that show something, for who receives none of them: `mid` is empty."""
        known = self._rooms.get(room)
        return known.shown() if known else []

    def speakers(self, room: str) -> list[str]:
        """The people who speak in a room."""
        known = self._rooms.get(room)
        return known.speakers if known else []

    def source_stats(self, room: str) -> "list[EncodingStats]":
        """What arrives in a room: a row an encoding as `Plane.source_stats` has it, source by source."""
        sources = [id for id, (known, _) in self._sources.items() if known is self._rooms.get(room)]
        return [row for source in sources for row in self._plane.source_stats(source)]

    def snapshot(self) -> npt.NDArray[np.void]:
        """What the plane knows of each sink and of its viewer's link; see `Plane.snapshot`.

        Raises:
            Busy: the plane does not run.
        """
        return self._plane.snapshot()

    def media_time(self, room: str) -> int | None:
        """The clock of the host's media as they arrive now, ms since 1970, by their sender reports; None while none tells."""
        known = self._rooms.get(room)
        with contextlib.suppress(RuntimeError):  # the plane has stopped, which other calls report
            for source in known.hosted if known else ():
                for row in self._plane.source_stats(source.id):
                    if row["active"] and row["media_ms"]:
                        return row["media_ms"]
        return None

    def stats(self) -> dict[str, int]:
        """The plane's counters and gauges, and the peers that wait for their `join`."""
        early = self._early
        return {
            **self._plane.stats(),
            "early_peers": len(early),
            "early_peers_refused": early.refused,
            "early_peers_held": early.held,
        }

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
            fingerprint=self._certificate.sha256,
            candidates=answer.candidate_lines(self._candidates()),
            codecs=negotiation.receivable_names(),
            extensions=negotiation.passed_on_uris(adaptive=self._config.adaptation),
            feedback=[*answer.VIDEO_FEEDBACK, *(["transport-cc"] if self._config.adaptation else [])],
            video=streams(VIDEO_SLOTS),
            audio=streams(AUDIO_SLOTS),
        )

    def quality(self) -> dict[str, int]:
        """Viewers by what they get; see `Adaptation.quality`. Empty without adaptation."""
        return self._adaptation.quality() if self._adaptation else {}

    def links(self) -> "dict[str, npt.NDArray[np.float64]]":
        """What viewers' links are like; see `Adaptation.links`. Empty without adaptation, and where the plane stopped."""
        try:
            return self._adaptation.links() if self._adaptation else {}
        except RuntimeError:
            return {}

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
            on_closed: called once with the reason when it ends without `close`.
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
        publication_id = secrets.token_urlsafe(12)
        room_object = self._room(room)

        def closed(reason: str) -> None:
            leave()
            on_closed(reason)

        peer = self._peer(parsed, answers, prefer_passive=prefer_passive, on_closed=closed)
        publication = Publication(publication_id, publisher, [])
        for section, answered, kind in zip(parsed.sections, answers, chosen, strict=True):
            if kind is not None:
                source = self._add_source(peer, section, answered, kind, publication)
                if on_encodings is not None and len(section.rids) > 1:
                    source.demand = _demand(kind, section.rids, on_encodings)
                publication.sources.append(source)
        self._sources.update({source.id: (room_object, source) for source in publication.sources})
        room_object.publish(publication)

        def leave() -> None:
            if self._sources.keys().isdisjoint(source.id for source in publication.sources):
                return
            for source in publication.sources:
                self._sources.pop(source.id)
            room_object.unpublish(publication)
            self._peers.discard(peer)
            self._tidy(room)

        negotiated = self._negotiated(parsed, answers, peer, prefer_passive)
        return Publishing(publication_id, negotiated.answer(), leave, negotiated)

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

        def closed(reason: str) -> None:
            leave()
            on_closed(reason)

        if self._link is None:
            raise Busy("the media plane does not run")
        with self._link.together():
            peer = self._peer(parsed, answers, prefer_passive=prefer_passive, on_closed=closed, ticket=ticket)
            slots = [
                self._add_sink(peer, section, answered, name)
                for section, answered, name in zip(parsed.sections, answers, names, strict=True)
                if name is not None
            ]
            receiver = Receiver(slots, on_slots, on_quality)
            seat = Seat(receiver, room, self._room, self._tidy)
            stop_adapting = self._follow(peer, receiver, seat)
            shown = seat.take()

        def leave() -> None:
            self._peers.discard(peer)
            seat.leave()
            stop_adapting()

        negotiated = self._negotiated(parsed, answers, peer, prefer_passive)
        return Receiving(
            secrets.token_urlsafe(12),
            negotiated.answer(),
            leave,
            negotiated,
            slots=shown,
            _seat=seat,
        )

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

    @property
    def _plane(self) -> Plane:
        if self._link is None:
            raise Busy("the media plane does not run")
        return self._link.plane

    def _room(self, name: str) -> Room:
        if name not in self._rooms:
            self._rooms[name] = Room(self._plane, lambda people: self.on_speakers(name, people))
        return self._rooms[name]

    def _peer(
        self,
        offer: Offer,
        answers: Iterable[AnsweredSection],
        *,
        prefer_passive: bool,
        on_closed: Callable[[str], None],
        ticket: str | None = None,
    ) -> Peer:
        if self._link is None:
            raise Busy("the media plane does not run")
        extensions = negotiation.plane_extensions(answered.extensions or {} for answered in answers)
        if ticket is not None and (early := self._early.claim(ticket)) is not None:
            early.authorise(offer.fingerprints, extensions, on_closed)
            return early
        peer = Peer(
            self._link,
            self._certificate,
            role=negotiation.dtls_role(offer, prefer_passive=prefer_passive),
            both_profiles=prefer_passive,
            fingerprints=offer.fingerprints,
            extensions=extensions,
            sends=any(answered.stream is not None for answered in answers),
            endings=self.endings,
            on_closed=on_closed,
            credentials=None if ticket is None else (ticket, self._tickets.password(ticket)),
        )
        self._peers.add(peer)
        return peer

    def _early_peer(self, ufrag: str, held: bool, on_closed: Callable[[str], None]) -> Peer:
        """The peer of a ticket whose `join` has not come; `held`: it is to wait for that."""
        assert self._link is not None

        def closed(reason: str) -> None:
            self._peers.discard(peer)
            on_closed(reason)

        peer = Peer(
            self._link,
            self._certificate,
            role="client",
            both_profiles=False,
            fingerprints=None,
            extensions={},
            sends=True,
            endings=self.endings,
            on_closed=closed,
            credentials=(ufrag, self._tickets.password(ufrag)),
            held=held,
        )
        self._peers.add(peer)
        return peer

    def _add_source(
        self, peer: Peer, section: OfferedSection, answered: AnsweredSection, kind: SourceKind, publication: Publication
    ) -> Source:
        assert self._link is not None
        codec = negotiation.publishable(section)
        encodings = max(1, len(section.rids))
        person = publication.publisher
        view = SourceView(person.person, person.name, kind, publication.id)
        source = Source(self._link.next_id(), kind, codec.name, view, [False] * encodings)
        self._plane.add_source(
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
        assert self._link is not None
        assert answered.stream is not None
        sink = self._link.next_id()
        self._plane.add_sink(
            sink,
            peer=peer.id,
            mid=section.mid,
            ssrc=answered.stream.ssrc,
            rtx_ssrc=answered.stream.rtx_ssrc,
            cname=answered.stream.cname,
            codecs=negotiation.plane_codecs(answered.codecs),
        )
        if answered.fec:
            self._plane.add_fec(sink, ssrc=answered.stream.fec_ssrc, payload_type=answered.fec.payload_type)
        return Slot(name, section.mid, sink, frozenset(codec.name for codec in answered.codecs))

    def _negotiated(self, offer: Offer, answers: list[AnsweredSection], peer: Peer, prefer_passive: bool) -> Negotiated:
        transport = answer.Transport(
            ufrag=peer.ufrag,
            pwd=peer.pwd,
            fingerprint=self._certificate.sha256,
            role=negotiation.dtls_role(offer, prefer_passive=prefer_passive),
            candidates=self._candidates(),
        )
        return Negotiated(offer, answers, transport, peer)

    def _candidates(self) -> list[Candidate]:
        """UDP first, so that clients try it first."""
        config, port = self._config, self.port
        udp = [Candidate("udp", to.address, to.port or port) for to in self._announced if config.udp_announced]
        return udp + [Candidate("tcp", to.address, to.port or port) for to in self._announced if config.tcp]

    def _tidy(self, room: str) -> None:
        """Let a room go that nobody is in."""
        if (known := self._rooms.get(room)) and known.empty:
            del self._rooms[room]
            if known.speakers:
                self.on_speakers(room, [])

    def _on_encoding(self, source_id: int, encoding: int, active: bool) -> None:
        if found := self._sources.get(source_id):
            room, source = found
            room.on_encoding(source, encoding, active)

    async def _adapt(self, adaptation: Adaptation) -> None:
        """Follow the viewers' links, for as long as the plane runs."""
        clock = asyncio.get_running_loop().time
        while True:
            # Even where all links begin to lose at once most of the time is left to others.
            await asyncio.sleep(LEAST_PASS_INTERVAL_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLICY.interval_s - LEAST_PASS_INTERVAL_S):
                    await self._hurry.wait()
            self._hurry.clear()
            try:
                adaptation.run(clock())
            except RuntimeError:
                # The plane stopped by a fault of its own, which all other calls report too.
                logger.exception("viewers' links are followed no more")
                return
            except Exception:  # what is wrong with one pass must not end all later ones
                logger.exception("a pass over the viewers' links failed")

    async def _listen(self, plane: Plane) -> None:
        """Tell the rooms who speaks, for as long as the plane runs."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(LISTEN_INTERVAL_S)
            try:
                levels = plane.audio_levels() if self._sources else {}
            except RuntimeError:
                # The plane stopped by a fault of its own, which all other calls report too.
                logger.exception("nobody is heard any more")
                return
            for room in list(self._rooms.values()):
                try:
                    room.hear(levels, clock())
                except Exception:  # one room's failure must not silence the others
                    logger.exception("a room does not know who speaks")


def _demand(kind: SourceKind, rids: tuple[str, ...], on_encodings: OnEncodings) -> Demand:
    def tell(encodings: list[int]) -> None:
        on_encodings(kind, [rids[encoding] for encoding in encodings])

    return Demand(len(rids), tell, asyncio.get_running_loop().call_later)
