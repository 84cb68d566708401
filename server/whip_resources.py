"""The resources that WHIP and WHEP make: one connection each, behind a URL that cannot be guessed."""

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from signaling.errors import Busy

Kind = Literal["whip", "whep"]


def _nothing_to_end() -> None:
    return None


def _entity_tag() -> str:
    return secrets.token_urlsafe(9)


@dataclass
class Resource:
    """One connection, or the place kept for it while it is made.

    `etag` is the strong entity-tag of its ICE session (RFC 9725 section 4.3.1), without quotes; `ufrags` are those of
    the offer, or of the last restart. `restart` restarts ICE; both functions are set when the connection is made.
    """

    kind: Kind
    session: str
    ufrags: frozenset[str]
    end: Callable[[], None] = _nothing_to_end
    restart: Callable[[], str] = str
    id: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    etag: str = field(default_factory=_entity_tag)

    def restart_ice(self, fragment: str) -> str:
        """Begin another ICE session with the credentials in the client's fragment; returns ours as one."""
        answer = self.restart()
        self.ufrags, self.etag = ufrags(fragment), _entity_tag()
        return answer


class Resources:
    """All of them on this node.

    Args:
        limit: more than this many are refused, since each holds a connection that its client need never use.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._by_id: dict[str, Resource] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Resource]:
        return iter(list(self._by_id.values()))

    def reserve(self, kind: Kind, session: str, offer: str) -> Resource:
        """Keep a place for a connection that is about to be made. Raises `Busy` when there are as many as allowed."""
        if len(self._by_id) >= self._limit:
            raise Busy("this server has as many WHIP and WHEP connections as it takes", retry_after_ms=5000)
        resource = Resource(kind, session, ufrags(offer))
        self._by_id[resource.id] = resource
        return resource

    def get(self, kind: Kind, session: str, resource_id: str) -> Resource | None:
        """The resource behind a URL."""
        resource = self._by_id.get(resource_id)
        return resource if resource and (resource.kind, resource.session) == (kind, session) else None

    def discard(self, resource: Resource) -> None:
        """Forget it; harmless when it is forgotten already."""
        self._by_id.pop(resource.id, None)


def ufrags(sdp: str) -> frozenset[str]:
    """The ICE username fragments in an SDP or a fragment of one (RFC 8839 section 5.4)."""
    return frozenset(re.findall(r"^a=ice-ufrag:([A-Za-z0-9+/]{4,256})\s*$", sdp, re.MULTILINE))


def has_password(fragment: str) -> bool:
    """Whether a fragment tells an ICE password: without one its ufrag begins no session."""
    return bool(re.search(r"^a=ice-pwd:[A-Za-z0-9+/]{22,256}\s*$", fragment, re.MULTILINE))


def is_fragment(body: str) -> bool:
    """Whether a body has the shape of a trickle-ice-sdpfrag (RFC 8840 section 9): lines of SDP, at least one."""
    lines = body.splitlines()
    return bool(lines) and all(re.match(r"[a-z]=\S", line) for line in lines)
