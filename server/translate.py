"""From the words of `media` to those of the wire; `views` does it for the queue."""

from media import views
from media.views import SlotView
from signaling.messages import Quality, Slot, Source


def to_slots(views: list[SlotView]) -> list[Slot]:
    """What is shown where."""
    return [Slot(slot=view.slot, mid=view.mid, source=_to_source(view)) for view in views]


def to_quality(quality: views.Quality) -> Quality:
    """How much of its source `main` shows."""
    return Quality(picture=quality.picture, cause=quality.cause)


def _to_source(view: SlotView) -> Source | None:
    source = view.source
    if source is None:
        return None
    return Source(publisher=source.publisher, name=source.name, kind=source.kind, publication=source.publication)
