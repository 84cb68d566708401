"""Commands on hands and the stage."""

from signaling.commands.base import BaseCommand
from signaling.fields import Id


class HandRaise(BaseCommand, frozen=True, kw_only=True):
    """Ask to come on stage. `voice_only`: without a camera."""

    voice_only: bool = False


class HandLower(BaseCommand, frozen=True, kw_only=True):
    """Do not ask any more, or do not accept; `person`: somebody else's hand, by staff."""

    person: Id | None = None


class HandInvite(BaseCommand, frozen=True, kw_only=True):
    """Ask somebody to come, with or without a raised hand."""

    person: Id


class StageEnter(BaseCommand, frozen=True, kw_only=True):
    """Accept an invitation; then `publish`."""

    voice_only: bool = False


class StageLeave(BaseCommand, frozen=True, kw_only=True):
    """Go back; `person`: remove somebody, by staff."""

    person: Id | None = None


class StageMute(BaseCommand, frozen=True, kw_only=True):
    """Turn one's own microphone off or on; `person`: somebody's off, by staff."""

    person: Id | None = None
    muted: bool
