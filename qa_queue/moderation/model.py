"""How a session is run, and what moderators decided."""

from typing import Literal

import msgspec

from qa_queue.model import Entity, Role

Order = Literal["popular", "newest", "rising", "fair"]
Links = Literal["all", "staff"]


class Settings(Entity, frozen=True, kw_only=True):
    """How the session is run; its id is "settings".

    Args:
        premoderation: members' questions wait to be approved.
        asking, chat: whether members may.
        anonymous: whether questions may be asked anonymously.
        order: of the queue.
        slow_mode_s: between two lines of chat of a person; 0: a second, three at once.
        links: who may write them.
        max_stage: people on stage besides hosts; as many as pages show.
        ask_every_s: between two questions of a person, after five at once; 0: any number.
    """

    id: str = "settings"
    premoderation: bool = False
    asking: bool = True
    anonymous: bool = True
    order: Order = "fair"
    chat: bool = True
    slow_mode_s: int = 0
    links: Links = "staff"
    max_stage: int = 3
    ask_every_s: int = 5


class Member(Entity, frozen=True, kw_only=True):
    """Decisions about a person; the id is the person's.

    `via`: or `via:` and the id of what the person wrote anonymously, by which it was found. `devices`: banned with it.
    """

    person: str
    name: str
    via: bool
    muted_until: int
    banned: bool
    role: Role | None = None
    devices: list[str] = msgspec.field(default_factory=list)


class Block(Entity, frozen=True, kw_only=True):
    """A blocked word or host."""

    text: str
    link: bool
    removed: bool
