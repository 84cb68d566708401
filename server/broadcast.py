"""A batch of the log as messages: one frame for each kind of reader, and one for each whom it concerns."""

from collections.abc import Callable, Collection

from server.frames import text_frame
from server.views.entries import Entry, coalesced
from signaling.codec import encode
from signaling.messages import Events


def frames_for(after: int, entries: list[Entry]) -> Callable[[str, bool], bytes]:
    """Returns a function from a person, and whether it is staff, to the message about these entries, encoded once for all who are
    told the same.

    Args:
        after: position of the log before them.
        entries: of the log, at least one.
    """
    seq, merged = entries[-1].seq, coalesced(entries)
    concerned: dict[str, list[Entry]] = {}
    for entry in entries:
        for person in entry.own:
            concerned.setdefault(person, []).append(entry)
    audiences = [entry.audience for entry in merged if entry.audience]
    made: dict[object, bytes] = {}

    def frame_for(person: str, staff: bool) -> bytes:
        key = person if person in concerned else (staff, _inside(audiences, person) if audiences else ())
        if key not in made:
            made[key] = _message(after, seq, merged, concerned.get(person, []), person, staff)
        return made[key]

    return frame_for


def _inside(audiences: list[Collection[str]], person: str) -> tuple[bool, ...]:
    return tuple(person in audience for audience in audiences)


def _message(after: int, seq: int, merged: list[Entry], own: list[Entry], person: str, staff: bool) -> bytes:
    replaced = {entry.seq for entry in own}
    shown = sorted([*own, *(entry for entry in merged if entry.seq not in replaced)], key=lambda entry: entry.seq)
    events = [seen for entry in shown if (seen := entry.seen_by(person, staff=staff)) is not None]
    return text_frame(encode(Events(after=after, seq=seq, events=events)))
