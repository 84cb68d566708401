"""Commands of moderation."""

from typing import Annotated

from msgspec import Meta

from signaling.commands.base import BaseCommand
from signaling.fields import Deletable, Id, Links, Order, Role, ShortText


class Configure(BaseCommand, frozen=True, kw_only=True):
    """Change settings; those left out stay."""

    premoderation: bool | None = None
    asking: bool | None = None
    anonymous: bool | None = None
    order: Order | None = None
    chat: bool | None = None
    slow_mode_s: Annotated[int, Meta(ge=0, le=3600)] | None = None
    links: Links | None = None
    max_stage: Annotated[int, Meta(ge=0, le=3)] | None = None
    ask_every_s: Annotated[int, Meta(ge=0, le=3600)] | None = None


class Mute(BaseCommand, frozen=True, kw_only=True):
    """Let a person only read and vote. The person is named, or the author of `of`, which may be anonymous.

    `for_s`: null for good.
    """

    person: Id | None = None
    of: Id | None = None
    for_s: Annotated[int, Meta(ge=10, le=366 * 86400)] | None


class Unmute(BaseCommand, frozen=True, kw_only=True):
    """End it."""

    person: Id | None = None
    of: Id | None = None


class Ban(BaseCommand, frozen=True, kw_only=True):
    """Send a person away, with the devices that it came with."""

    person: Id | None = None
    of: Id | None = None


class Unban(BaseCommand, frozen=True, kw_only=True):
    """Let it come back."""

    person: Id | None = None
    of: Id | None = None


class SetRole(BaseCommand, frozen=True, kw_only=True):
    """Make a member a moderator, or the other way; null: what the token says."""

    person: Id
    role: Role | None


class BlockAdd(BaseCommand, frozen=True, kw_only=True):
    """Block a word, or the host of links."""

    text: ShortText
    link: bool = False


class BlockRemove(BaseCommand, frozen=True, kw_only=True):
    """Allow it again."""

    block: Id


class Delete(BaseCommand, frozen=True, kw_only=True):
    """Hide what somebody wrote; can be undone."""

    kind: Deletable
    id: Id


class Undelete(BaseCommand, frozen=True, kw_only=True):
    """Show it again."""

    kind: Deletable
    id: Id
