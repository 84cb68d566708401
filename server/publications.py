"""Who publishes what: at most one publication a person and session, whichever door it came through."""

from collections.abc import Callable

from media.connections import Publishing
from media.node import MediaNode
from media.views import OnEncodings, Publisher

Closed = Callable[[str], None]


class Publications:
    """Makes publications and knows the current one of each person.

    Args:
        media: the node that carries them.
    """

    def __init__(self, media: MediaNode) -> None:
        self._media = media
        self._current: dict[tuple[str, str], tuple[Publishing, Closed]] = {}

    def __len__(self) -> int:
        return len(self._current)

    def live(self, session: str) -> bool:
        """Whether anybody publishes in a session."""
        return any(of == session for of, _ in self._current)

    async def publish(
        self,
        session: str,
        publisher: Publisher,
        *,
        offer: str,
        prefer_passive: bool = False,
        on_closed: Closed,
        on_encodings: OnEncodings | None = None,
    ) -> Publishing:
        """Publish; an earlier publication of the same person ends once the new one is there.

        Args:
            on_encodings: see `MediaNode.publish`.
            on_closed: called once with the reason when it ends without `end`; "replaced" when a later one took its place.

        Raises:
            MediaError: the offer cannot be used; what was live stays so.
        """
        key = (session, publisher.person)

        def closed(reason: str) -> None:
            if key in self._current and self._current[key][0] is publishing:
                del self._current[key]
            on_closed(reason)

        publishing = await self._media.publish(
            session,
            publisher=publisher,
            offer=offer,
            prefer_passive=prefer_passive,
            on_closed=closed,
            on_encodings=on_encodings,
        )
        replaced = self._current.get(key)
        self._current[key] = (publishing, on_closed)
        if replaced is not None:
            replaced[1]("replaced")
            replaced[0].end()
        return publishing

    def end(self, session: str, person: str, publishing: Publishing) -> None:
        """End a publication; harmless when it has ended or was replaced already."""
        key = (session, person)
        if key in self._current and self._current[key][0] is publishing:
            del self._current[key]
        publishing.end()
