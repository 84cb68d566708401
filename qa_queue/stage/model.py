"""What hands are made of."""

from typing import Literal

from qa_queue.model import Entity


class Hand(Entity, frozen=True, kw_only=True):
    """A hand; its id is the person's. `down`: neither raised nor on stage."""

    name: str
    state: Literal["raised", "invited", "stage", "down"]
    at: int
    voice_only: bool
    muted: bool
