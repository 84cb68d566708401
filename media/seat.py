"""A receiver's place: the room that it watches now. The connection stays when the room changes."""

from collections.abc import Callable, Mapping

from media.layer_rates import Bound
from media.room import Receiver, Room
from media.views import SlotView


class Seat:
    """One receiver in one room at a time.

    Args:
        receiver: of one connection.
        room: where it begins.
        rooms: finds or makes a room by its name.
        left: called with the name of a room that the receiver has left.
    """

    def __init__(
        self, receiver: Receiver, room: str, rooms: Callable[[str], Room], left: Callable[[str], None]
    ) -> None:
        self._receiver = receiver
        self._name: str | None = room
        self._rooms = rooms
        self._left = left

    def take(self) -> list[SlotView]:
        """Begin; returns what is shown."""
        assert self._name is not None
        return self._rooms(self._name).receive(self._receiver)

    def move(self, room: str) -> list[SlotView]:
        """Show another room in the same slots; returns what is shown there. Nothing where the connection has ended."""
        if self._name is None:
            return []
        self._go()
        self._name = room
        return self.take()

    def leave(self) -> None:
        """Show nothing any more. Idempotent."""
        if self._name is not None:
            self._go()
            self._name = None

    def prefer(self, slot: str, encoding: int | None, *, spatial: int | None, temporal: int | None) -> None:
        """Show a slot at an encoding; see `Room.prefer`."""
        if self._name is not None:
            self._rooms(self._name).prefer(self._receiver, slot, encoding, spatial=spatial, temporal=temporal)

    def bound(self, bounds: Mapping[str, Bound | None]) -> None:
        """Show nothing better than these; see `Room.bound`."""
        if self._name is not None:
            self._rooms(self._name).bound(self._receiver, bounds)

    def watch(self, pictures: bool) -> None:
        """Show pictures, or sound alone."""
        if self._name is not None:
            self._rooms(self._name).watch(self._receiver, pictures)

    def _go(self) -> None:
        assert self._name is not None
        self._rooms(self._name).leave(self._receiver)
        self._left(self._name)
