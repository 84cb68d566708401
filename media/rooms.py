"""The rooms of one node by their names, from the first who comes to the last who goes, and the sources in them."""

import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from media.link import PlaneLink
from media.room import Publication, Room, Source
from media.views import SlotView

if TYPE_CHECKING:
    from livetrial_plane import EncodingStats

logger = logging.getLogger(__name__)


class Rooms:
    """Makes a room when somebody comes to it, and lets it go when nobody is in it any more.

    Args:
        link: the plane that carries what the rooms decide.
        on_speakers: called with a room's name and the people who speak in it, when others do.
    """

    def __init__(self, link: PlaneLink, on_speakers: Callable[[str, list[str]], None]) -> None:
        self._link = link
        self._on_speakers = on_speakers
        self._rooms: dict[str, Room] = {}
        self._sources: dict[int, tuple[Room, Source]] = {}

    def shown(self, name: str) -> list[SlotView]:
        """The slots of a room that show something, for who receives none of them: `mid` is empty."""
        known = self._rooms.get(name)
        return known.shown() if known else []

    def speakers(self, name: str) -> list[str]:
        """The people who speak in a room."""
        known = self._rooms.get(name)
        return known.speakers if known else []

    def source_stats(self, name: str) -> "list[EncodingStats]":
        """What arrives in a room: a row an encoding as `Plane.source_stats` has it, source by source.

        Raises:
            Busy: the plane does not run.
        """
        sources = [id for id, (room, _) in self._sources.items() if room is self._rooms.get(name)]
        return [row for source in sources for row in self._link.plane.source_stats(source)]

    def media_time(self, name: str) -> int | None:
        """The clock of the host's media as they arrive now, ms since 1970, by their sender reports; None while none tells."""
        known = self._rooms.get(name)
        with contextlib.suppress(RuntimeError):  # the plane has stopped, which other calls report
            for source in known.hosted if known else ():
                for row in self._link.plane.source_stats(source.id):
                    if row["active"] and row["media_ms"]:
                        return row["media_ms"]
        return None

    def enter(self, name: str) -> Room:
        """The room of this name, for somebody who comes to it now.

        Raises:
            Busy: the plane does not run.
        """
        if name not in self._rooms:
            self._rooms[name] = Room(self._link.plane, lambda people: self._on_speakers(name, people))
        return self._rooms[name]

    def left(self, name: str) -> None:
        """Somebody has left a room."""
        if (known := self._rooms.get(name)) and known.empty:
            del self._rooms[name]
            if known.speakers:
                self._on_speakers(name, [])

    def publish(self, name: str, publication: Publication) -> None:
        """Show a publication, whose sources the plane knows."""
        room = self.enter(name)
        self._sources.update({source.id: (room, source) for source in publication.sources})
        room.publish(publication)

    def unpublish(self, name: str, publication: Publication) -> None:
        """Take a publication away. Idempotent."""
        if self._sources.keys().isdisjoint(source.id for source in publication.sources):
            return
        for source in publication.sources:
            self._sources.pop(source.id)
        self._rooms[name].unpublish(publication)
        self.left(name)

    def on_encoding(self, source_id: int, encoding: int, active: bool) -> None:
        """An encoding of a source began or ceased to arrive."""
        if found := self._sources.get(source_id):
            room, source = found
            room.on_encoding(source, encoding, active)

    def hear(self, now: float) -> None:
        """Tell the rooms who speaks; called every `LISTEN_INTERVAL_S`.

        Raises:
            RuntimeError: the plane has stopped.
        """
        levels = self._link.plane.audio_levels() if self._sources else {}
        for room in list(self._rooms.values()):
            try:
                room.hear(levels, now)
            except Exception:  # one room's failure must not silence the others
                logger.exception("a room does not know who speaks")
