"""People, and what all entities have in common. Entities are as the scripts keep them; null and empty lists are left out there."""

from typing import Literal

import msgspec

Role = Literal["host", "moderator", "member", "system"]

FOREVER = 9_999_999_999_999
"""`muted_until` of who is muted for good, in ms since 1970."""


class Person(msgspec.Struct, frozen=True):
    """Somebody, as shown. `id` is the one that votes are counted by."""

    id: str
    name: str


class Actor(msgspec.Struct, frozen=True):
    """Who acts.

    `role` is the token's; what moderators decided is known to the scripts. `device`: where the browser named one. `tier`: of a
    loyalty programme, 0 to 9, which counts in the fair order.
    """

    id: str
    name: str
    role: Role = msgspec.field(default="member")
    device: str | None = None
    tier: int = 0


SYSTEM = Actor("", "", "system")
"""The server itself, for what is done at a time."""


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """Something with an id, unique in its session."""

    id: str
