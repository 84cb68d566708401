"""What callers see of media: who publishes, and what is shown where."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Place = Literal["main", "stage"]
SourceKind = Literal["camera", "screen", "microphone"]

VIDEO_SLOTS = ("main", "stage-1", "stage-2", "stage-3")
AUDIO_SLOTS = ("audio-1", "audio-2", "audio-3", "audio-4")


OnEncodings = Callable[[SourceKind, list[str]], None]
"""Called with a source's kind and the RTP stream ids of the encodings that its publisher is to send, lowest first."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes. `place` says where it is shown; of two in the main place the later one is."""

    person: str
    name: str
    place: Place = "main"


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source that arrives. `publication` tells two connections of one person apart."""

    publisher: str
    name: str
    kind: SourceKind
    publication: str


Picture = Literal["full", "reduced", "paused"]
"""What a receiver is shown in `main`: all that there is to show, less of it, or nothing of it while its sound goes on."""

Cause = Literal["link", "host"]
"""Why it is not all: the receiver's own link bears no more, or its publisher sends no more though it is asked to."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What a receiver is shown in `main`, and why not all; `cause` is None for "full"."""

    picture: Picture
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class SlotView:
    """A receiver's slot and what it shows; None: nothing arrives for it."""

    slot: str
    mid: str
    source: SourceView | None
