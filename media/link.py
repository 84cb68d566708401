"""The plane in asyncio: its events reach the peer that they belong to, ids are given out here."""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable
from typing import Protocol

from livetrial_plane import Event, Plane
from media.errors import Busy

logger = logging.getLogger(__name__)


class PeerEvents(Protocol):
    """What a peer hears from the plane. Called in the event loop; must not block or raise."""

    def on_connected(self, address: str) -> None: ...
    def on_datagram(self, datagram: bytes) -> None: ...
    def on_began(self) -> None: ...
    def on_lost(self) -> None: ...


class PlaneLink:
    """The plane, from `start` to `close`, and who is told of its events."""

    def __init__(self) -> None:
        self._plane: Plane | None = None
        self._peers: dict[int, PeerEvents] = {}
        self._ids = itertools.count(1)
        self._gathering = _Gathering(lambda on: self.plane.gather(on))

    def start(
        self, plane: Plane, on_encoding: Callable[[int, int, bool], None], on_ticket: Callable[[str, str], None]
    ) -> None:
        """Read the plane's events in the running loop.

        Args:
            plane: running; closed by `close`.
            on_encoding: called with (source id, encoding, active) when an encoding begins or ceases.
            on_ticket: called with the ufrag of a peer that came with a ticket, and the address that it came from, as "ip:port".
        """
        self._plane = plane
        self._on_encoding = on_encoding
        self._on_ticket = on_ticket
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(plane.fileno(), self._drain)

    @property
    def plane(self) -> Plane:
        """To order things of.

        Raises:
            Busy: it does not run.
        """
        if self._plane is None:
            raise Busy("the media plane does not run")
        return self._plane

    def next_id(self) -> int:
        """An id that no peer, source or sink of this plane has had."""
        return next(self._ids)

    def attach(self, peer: int, listener: PeerEvents) -> None:
        """Send the events of `peer` to `listener`."""
        self._peers[peer] = listener

    def detach(self, peer: int) -> None:
        """No more events of `peer`; what still waits is dropped."""
        self._peers.pop(peer, None)

    def together(self) -> contextlib.AbstractContextManager[None]:
        """Send the plane what is ordered in here in one go, at the end. Nothing may be awaited in here."""
        return self._gathering

    def close(self) -> None:
        """Stop reading and stop the plane. Idempotent."""
        if self._plane is None:
            return
        self._loop.remove_reader(self._plane.fileno())
        self._peers.clear()
        self._plane.close()
        self._plane = None

    def _drain(self) -> None:
        for event in self.plane.events():
            try:
                with self.together():
                    self._dispatch(event)
            except Exception:  # one peer's failure must not silence the others
                logger.exception("a %s event of peer %d failed", event.kind, event.peer)

    def _dispatch(self, event: Event) -> None:
        if event.kind == "encoding":
            self._on_encoding(event.source, event.encoding, event.active)
            return
        if event.kind == "ticket":
            self._on_ticket(event.data.decode(), event.address)
            return
        peer = self._peers.get(event.peer)
        if peer is None:
            return
        if event.kind == "dtls":
            peer.on_datagram(event.data)
        elif event.kind == "connected":
            peer.on_connected(event.address)
        elif event.kind == "began":
            peer.on_began()
        elif event.kind == "lost":
            peer.on_lost()


class _Gathering(contextlib.AbstractContextManager[None]):
    """The plane gathers while one is inside, however often one went in. One object for all: each event goes in."""

    def __init__(self, gather: Callable[[bool], None]) -> None:
        self._gather = gather
        self._depth = 0

    def __enter__(self) -> None:
        if not self._depth:
            self._gather(True)
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._gather(False)
