"""What callers hold of those who publish and receive: one peer's side of a session each."""

from collections.abc import Callable
from dataclasses import dataclass, field

from media.negotiated import Negotiated
from media.seat import Seat
from media.views import SlotView


@dataclass(eq=False)
class Connection:
    """A peer's side of a session. `answer` is the SDP; `end` ends it without calling `on_closed`."""

    id: str
    answer: str
    _leave: Callable[[], None] = field(repr=False)
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
            self._leave()
            peer.close()


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
