"""A session's media on this node: which source goes into which slot of which receiver, at which encoding.

A pure policy over what is published and what arrives; it acts only by `Plane.route` and by telling receivers their slots.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from livetrial_plane import Plane
from media.views import AUDIO_SLOTS, VIDEO_SLOTS, Publisher, SlotView, SourceKind, SourceView


@dataclass(eq=False, slots=True)
class Source:
    """A published track. `active` has a flag an encoding, lowest first."""

    id: int
    kind: SourceKind
    codec: str
    view: SourceView
    active: list[bool]

    @property
    def arrives(self) -> bool:
        return any(self.active)


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
    """A receiver's slot. `routed` is what the plane was last told; `preferred` an encoding that the caller asked for."""

    name: str
    mid: str
    sink: int
    codecs: frozenset[str]
    routed: tuple[int, int] | None = None
    preferred: int | None = None


@dataclass(eq=False, slots=True)
class Receiver:
    """One receiving connection. `told` is the list that it was last told."""

    slots: list[Slot]
    on_slots: Callable[[list[SlotView]], None]
    told: list[SlotView] = field(default_factory=list)


class Room:
    """All publications and receivers of a session on this node."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._publications: list[Publication] = []
        self._receivers: list[Receiver] = []

    @property
    def empty(self) -> bool:
        """Whether nobody publishes or receives here."""
        return not self._publications and not self._receivers

    def publish(self, publication: Publication) -> None:
        """Add a publication and show it."""
        self._publications.append(publication)
        self._arrange()

    def unpublish(self, publication: Publication) -> None:
        """Take a publication away."""
        self._publications.remove(publication)
        self._arrange()

    def receive(self, receiver: Receiver) -> list[SlotView]:
        """Add a receiver and show it what is there; later changes go to its `on_slots`."""
        self._receivers.append(receiver)
        self._show(receiver, self._assignment())
        return receiver.told

    def leave(self, receiver: Receiver) -> None:
        """Take a receiver away."""
        self._receivers.remove(receiver)

    def shown(self) -> list[SlotView]:
        """The slots that show something; `mid` is empty, since they are nobody's."""
        return [SlotView(name, "", source.view) for name, source in self._assignment().items() if source.arrives]

    def on_encoding(self, source: Source, encoding: int, active: bool) -> None:
        """An encoding began or ceased to arrive."""
        source.active[encoding] = active
        self._arrange()

    def prefer(self, receiver: Receiver, slot: str, encoding: int | None) -> None:
        """Show `slot` at `encoding` (0 is the lowest) as long as it arrives; None: choose."""
        for candidate in receiver.slots:
            if candidate.name == slot:
                candidate.preferred = encoding
        self._show(receiver, self._assignment())

    def _arrange(self) -> None:
        assignment = self._assignment()
        for receiver in self._receivers:
            before = receiver.told
            self._show(receiver, assignment)
            if receiver.told != before:
                receiver.on_slots(receiver.told)

    def _assignment(self) -> dict[str, Source]:
        """The source of each slot. A screen that arrives takes the main place, and the camera moves to the stage."""
        main = next((p for p in reversed(self._publications) if p.publisher.place == "main"), None)
        stage = [publication for publication in self._publications if publication.publisher.place == "stage"]
        camera = main.source("camera") if main else None
        screen = main.source("screen") if main else None
        microphone = main.source("microphone") if main else None
        sharing = screen is not None and screen.arrives
        beside = [camera] if sharing else []
        videos = [screen if sharing else camera, *beside, *(p.source("camera") for p in stage)]
        voices = [microphone, *(None for _ in beside), *(p.source("microphone") for p in stage)]
        pairs = [*zip(VIDEO_SLOTS, videos, strict=False), *zip(AUDIO_SLOTS, voices, strict=False)]
        return {slot: source for slot, source in pairs if source is not None}

    def _show(self, receiver: Receiver, assignment: dict[str, Source]) -> None:
        for slot in receiver.slots:
            source = assignment.get(slot.name)
            if source is not None and source.codec not in slot.codecs:
                source = None
            route = (source.id, _encoding(slot, source)) if source else None
            if route != slot.routed:
                slot.routed = route
                self._plane.route(slot.sink, source.id if source else None, encoding=route[1] if route else 0)
        receiver.told = list(_views(receiver, assignment))


def _views(receiver: Receiver, assignment: dict[str, Source]) -> Iterator[SlotView]:
    for slot in receiver.slots:
        source = assignment.get(slot.name)
        shown = source is not None and source.arrives and source.codec in slot.codecs
        yield SlotView(slot.name, slot.mid, source.view if source and shown else None)


def _encoding(slot: Slot, source: Source) -> int:
    """The preferred encoding or the next lower one that arrives; without preference the best in `main`, the least on the stage."""
    arriving = [index for index, active in enumerate(source.active) if active]
    if not arriving:
        return 0
    if slot.preferred is not None:
        return max((index for index in arriving if index <= slot.preferred), default=arriving[0])
    return arriving[0] if slot.name.startswith("stage") else arriving[-1]
