"""Media connections whose socket was lost, kept for the same person's next join."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from server.media_links import Link

logger = logging.getLogger(__name__)

L = TypeVar("L", bound=Link)


class KeptLinks:
    """Holds links for a while, then ends them.

    Args:
        hold_s: how long.
    """

    def __init__(self, *, hold_s: float) -> None:
        self._hold_s = hold_s
        self._timers: dict[tuple[str, str], dict[Link, asyncio.TimerHandle]] = {}

    def keep(self, session: str, person: str, link: Link) -> None:
        """Hold a link of a person; one that has ended already is let go."""
        if link.alive:
            link.notify = None
            timer = asyncio.get_running_loop().call_later(self._hold_s, self._expire, session, person, link)
            self._timers.setdefault((session, person), {})[link] = timer

    def take(self, session: str, person: str, kind: type[L]) -> L | None:
        """The link of this kind that was kept last and still lives, or None."""
        held = self._timers.get((session, person), {})
        for link in reversed(list(held)):
            if isinstance(link, kind):
                self._forget(session, person, link)
                if link.alive:
                    return link
        return None

    def drop(self, session: str, person: str, which: Callable[[Link], bool]) -> None:
        """End what is kept of a person and chosen."""
        for link in [link for link in self._timers.get((session, person), {}) if which(link)]:
            self._expire(session, person, link)

    def end(self, link: Link) -> None:
        """End a link; what goes wrong is logged, since nothing more can be done about it."""
        try:
            link.end()
        except Exception:
            logger.exception("closing a media connection failed")

    def close(self) -> None:
        """End everything that is held."""
        for (session, person), held in list(self._timers.items()):
            for link in list(held):
                self._expire(session, person, link)

    def _expire(self, session: str, person: str, link: Link) -> None:
        self._forget(session, person, link)
        self.end(link)

    def _forget(self, session: str, person: str, link: Link) -> None:
        held = self._timers[session, person]
        held.pop(link).cancel()
        if not held:
            del self._timers[session, person]
