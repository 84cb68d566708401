"""A session's media on this node: which source goes into which slot of which receiver, at which encoding.

A pure policy over what is published and what arrives; it acts only by `Plane.route` and by telling receivers their slots.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from livetrial_plane import Plane
from media.demand import Demand
from media.layer_rates import Bound
from media.speakers import Speakers, seat
from media.views import AUDIO_SLOTS, VIDEO_SLOTS, Publisher, Quality, SlotView, SourceKind, SourceView

Layers = tuple[int | None, int | None]
"""The highest spatial and the highest temporal layer of an encoding; None: all."""


FULL = Quality("full")
"""What is told of who is shown all, and of who is shown nothing because there is nothing."""

AWAY = Quality("paused", "host")
"""What is told while neither picture nor sound of the host arrives although they are published: the host's way is lost."""


@dataclass(eq=False, slots=True)
class Source:
    """A published track. `arriving` has a flag for each *available* encoding, lowest first.

    An available encoding can be asked for; it may not arrive because nobody has. `demand` turns encodings on and off, and
    is None where the publisher cannot be told or has only one.
    """

    id: int
    kind: SourceKind
    codec: str
    view: SourceView
    arriving: list[bool]
    demand: Demand | None = None

    @property
    def arrives(self) -> bool:
        return any(self.arriving)


@dataclass(eq=False, slots=True)
class Publication:
    """One publishing connection."""

    id: str
    publisher: Publisher
    sources: list[Source]

    def source(self, kind: SourceKind) -> Source | None:
        return next((source for source in self.sources if source.kind == kind), None)


@dataclass(eq=False, slots=True)
class Slot:
    """A receiver's slot. `preferred` is an encoding that the caller asked for, and `layers` the highest spatial and temporal ones
    of it; `watched` the source and encoding that it wants to show, `routed` what the plane was last told of source, encoding and
    layers: the next best encoding while that one does not arrive. `bound` is the best that the viewer's link bears (None: all)."""

    name: str
    mid: str
    sink: int
    codecs: frozenset[str]
    routed: tuple[int, int, Layers] | None = None
    watched: tuple[Source, int] | None = None
    preferred: int | None = None
    layers: Layers = (None, None)
    bound: Bound | None = None


class Wishes(Protocol):
    """Is told what a receiver's slot is to show, and at best at which encoding (None: all of the only one), so that bounds can be
    found for it."""

    def __call__(self, slot: str, source: int | None, encoding: int | None) -> None: ...


@dataclass(eq=False, slots=True)
class Receiver:
    """One receiving connection. `told` and `quality` are what it was last told; without `pictures` it is sent sound alone.
    `wishes` is None where nobody adapts it."""

    slots: list[Slot]
    on_slots: Callable[[list[SlotView]], None]
    on_quality: Callable[[Quality], None] = lambda quality: None
    wishes: Wishes | None = None
    quality: Quality = FULL
    told: list[SlotView] = field(default_factory=list)
    pictures: bool = True


class Room:
    """All publications and receivers of a session on this node.

    Args:
        plane: carries out what is decided here.
        on_speakers: called with the people who speak when others do.
    """

    def __init__(self, plane: Plane, on_speakers: Callable[[list[str]], None]) -> None:
        self._plane = plane
        self._speakers = Speakers(on_speakers)
        self._levels: Mapping[int, float] = {}
        self._seats: dict[str, int] = {}
        self._publications: list[Publication] = []
        self._receivers: list[Receiver] = []

    @property
    def empty(self) -> bool:
        """Whether nobody publishes or receives here."""
        return not self._publications and not self._receivers

    @property
    def speakers(self) -> list[str]:
        """The people who speak, as `on_speakers` was told."""
        return self._speakers.people

    @property
    def hosted(self) -> list[Source]:
        """What the host publishes, the camera first."""
        main = self._main
        return sorted(main.sources, key=lambda source: source.kind != "camera") if main else []

    def publish(self, publication: Publication) -> None:
        """Add a publication and show it."""
        self._publications.append(publication)
        self._arrange()

    def unpublish(self, publication: Publication) -> None:
        """Take a publication away."""
        self._publications.remove(publication)
        self._arrange()
        for source in publication.sources:
            if source.demand is not None:
                source.demand.close()

    def receive(self, receiver: Receiver) -> list[SlotView]:
        """Add a receiver and show it what is there; later changes go to its `on_slots`."""
        self._receivers.append(receiver)
        self._show(receiver, self._assignment())
        self._settle()
        return receiver.told

    def leave(self, receiver: Receiver) -> None:
        """Take a receiver away."""
        self._receivers.remove(receiver)
        for slot in receiver.slots:
            _watch(slot, None)
        self._settle()

    def shown(self) -> list[SlotView]:
        """The slots that show something; `mid` is empty, since they are nobody's."""
        return [SlotView(name, "", source.view) for name, source in self._assignment().items() if source.arrives]

    def on_encoding(self, source: Source, encoding: int, active: bool) -> None:
        """An encoding began or ceased to arrive."""
        source.arriving[encoding] = active
        self._arrange()

    def hear(self, levels: Mapping[int, float], now: float) -> None:
        """Sources that speak, by id with their level in dBov; called every `LISTEN_INTERVAL_S`."""
        before, self._levels = self._seats, levels
        assignment = self._assignment()
        if self._seats != before:
            self._arrange()
        heard = [source for slot in AUDIO_SLOTS if (source := assignment.get(slot)) and source.id in levels]
        self._speakers.update([source.view.publisher for source in heard], now)

    def prefer(
        self,
        receiver: Receiver,
        slot: str,
        encoding: int | None,
        *,
        spatial: int | None = None,
        temporal: int | None = None,
    ) -> None:
        """Show `slot` at `encoding` (0 is the lowest), and the next lower one while it does not arrive; None: choose.

        Of a scalable encoding, layers up to `spatial` and `temporal` are sent (0 is the lowest; None: all).
        """
        for candidate in receiver.slots:
            if candidate.name == slot:
                candidate.preferred, candidate.layers = encoding, (spatial, temporal)
        self._show(receiver, self._assignment())
        self._settle()

    def bound(self, receiver: Receiver, bounds: Mapping[str, Bound | None]) -> None:
        """Show nothing better in these slots than these; None: anything."""
        for slot in receiver.slots:
            slot.bound = bounds.get(slot.name, slot.bound)
        self._show(receiver, self._assignment())
        self._settle()

    def watch(self, receiver: Receiver, pictures: bool) -> None:
        """Send a receiver pictures, or none while nobody looks at them; what it is told stays as it is."""
        receiver.pictures = pictures
        self._show(receiver, self._assignment())
        self._settle()

    def _route(self, sink: int, route: tuple[int, int, Layers] | None) -> None:
        if route is None:
            self._plane.route(sink, None)
        else:
            source, encoding, (spatial, temporal) = route
            self._plane.route(sink, source, encoding=encoding, spatial=spatial, temporal=temporal)

    def _arrange(self) -> None:
        assignment = self._assignment()
        for receiver in self._receivers:
            before = receiver.told
            self._show(receiver, assignment)
            if receiver.told != before:
                receiver.on_slots(receiver.told)
        self._settle()

    def _settle(self) -> None:
        """Tell publishers what is wanted, once all slots are where they belong."""
        for publication in self._publications:
            for source in publication.sources:
                if source.demand is not None:
                    source.demand.settle()

    @property
    def _main(self) -> Publication | None:
        return next((p for p in reversed(self._publications) if p.publisher.place == "main"), None)

    def _assignment(self) -> dict[str, Source]:
        """The source of each slot. A screen that arrives takes the main place, and the camera moves to the stage."""
        main = self._main
        stage = [publication for publication in self._publications if publication.publisher.place == "stage"]
        camera = main.source("camera") if main else None
        screen = main.source("screen") if main else None
        microphone = main.source("microphone") if main else None
        sharing = screen is not None and screen.arrives
        beside = [camera] if sharing else []
        videos = [screen if sharing else camera, *beside, *(p.source("camera") for p in stage)]
        shown = [(AUDIO_SLOTS[0], microphone), *zip(VIDEO_SLOTS, videos, strict=False)]
        shown += self._voices(stage, AUDIO_SLOTS[1 + len(beside) :])
        return {slot: source for slot, source in shown if source is not None}

    def _voices(self, stage: list[Publication], homes: Sequence[str]) -> list[tuple[str, Source]]:
        """The microphones of the stage, each in the slot that belongs to its picture as long as there are enough."""
        microphones = [
            (microphone, homes[index] if index < len(homes) else None)
            for index, publication in enumerate(stage)
            if (microphone := publication.source("microphone"))
        ]
        self._seats = seat([(source.id, home) for source, home in microphones], self._seats, self._levels)
        by_id = {source.id: source for source, _ in microphones}
        return [(slot, by_id[source]) for slot, source in self._seats.items()]

    def _show(self, receiver: Receiver, assignment: dict[str, Source]) -> None:
        quality = FULL
        for slot in receiver.slots:
            source = assignment.get(slot.name)
            unseen = slot.name in VIDEO_SLOTS and not receiver.pictures
            if source is not None and (source.codec not in slot.codecs or unseen):
                source = None
            wish = _wanted(slot, source) if source else 0
            if receiver.wishes is not None:
                single = source is not None and len(source.arriving) == 1
                receiver.wishes(slot.name, source.id if source else None, None if single else wish)
            wanted = wish if slot.bound is None else min(wish, slot.bound.encoding)
            watched = (source, wanted) if source and wanted >= 0 else None
            _watch(slot, watched)
            route = _route(slot, *watched) if watched else None
            if route != slot.routed:
                slot.routed = route
                self._route(slot.sink, route)
            if slot.name == VIDEO_SLOTS[0] and source is not None:
                quality = _quality(slot, source, wish)
        if _is_away(assignment):
            quality = AWAY
        receiver.told = list(_views(receiver, assignment))
        if quality != receiver.quality:
            receiver.quality = quality
            receiver.on_quality(quality)


def _route(slot: Slot, source: Source, wanted: int) -> tuple[int, int, Layers]:
    """What the plane is to show of `source`. A bound on layers is one on those of its encoding only."""
    encoding = _best_arriving(source, wanted)
    bound = slot.bound if slot.bound is not None and slot.bound.encoding == encoding else Bound(encoding)
    spatial, temporal = slot.layers
    return source.id, encoding, (_least(spatial, bound.spatial), _least(temporal, bound.temporal))


def _least(one: int | None, other: int | None) -> int | None:
    """The lower of two limits; None is none."""
    return min((limit for limit in (one, other) if limit is not None), default=None)


def _quality(slot: Slot, source: Source, wish: int) -> Quality:
    """What a slot shows of all that its source could show there."""
    bound = slot.bound
    if not source.arrives:
        return FULL
    if bound is not None and bound.encoding < 0:
        return Quality("paused", "link")
    if bound is not None and (bound.encoding < wish or (bound.encoding == wish and bound != Bound(wish))):
        return Quality("reduced", "link")
    return FULL if source.arriving[wish] else Quality("reduced", "host")


def _is_away(assignment: dict[str, Source]) -> bool:
    """A muted microphone sends silence, a hidden camera nothing at all: only who sends no sound either is not heard of."""
    picture, sound = assignment.get(VIDEO_SLOTS[0]), assignment.get(AUDIO_SLOTS[0])
    return sound is not None and not sound.arrives and not (picture and picture.arrives)


def _views(receiver: Receiver, assignment: dict[str, Source]) -> Iterator[SlotView]:
    for slot in receiver.slots:
        source = assignment.get(slot.name)
        shown = source is not None and source.arrives and source.codec in slot.codecs
        yield SlotView(slot.name, slot.mid, source.view if source and shown else None)


def _watch(slot: Slot, watched: tuple[Source, int] | None) -> None:
    """Count the slot where it belongs now."""
    if slot.watched == watched:
        return
    for place, watchers in ((slot.watched, -1), (watched, 1)):
        if place is not None and (demand := place[0].demand) is not None:
            demand.watch(place[1], watchers)
    slot.watched = watched


def _wanted(slot: Slot, source: Source) -> int:
    """The preferred one of the available encodings; without preference the best in `main`, the least on the stage."""
    best = len(source.arriving) - 1
    if slot.preferred is not None:
        return max(0, min(slot.preferred, best))
    return 0 if slot.name.startswith("stage") else best


def _best_arriving(source: Source, wanted: int) -> int:
    """The wanted encoding or the next lower one that arrives, else the lowest that does."""
    arriving = [index for index, arrives in enumerate(source.arriving) if arrives]
    return max((index for index in arriving if index <= wanted), default=arriving[0] if arriving else 0)
