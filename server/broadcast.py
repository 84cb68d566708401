"""A batch of the log as messages: one text for each kind of reader, and one for each whom it concerns."""

from collections.abc import Callable, Collection

from server.views.entries import Entry, coalesced
from signaling.codec import encode
from signaling.messages import Events


def texts_for(after: int, entries: list[Entry]) -> Callable[[str, bool], str]:
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
    made: dict[object, str] = {}

    def text_for(person: str, staff: bool) -> str:
        key = person if person in concerned else (staff, _inside(audiences, person))
        if key not in made:
            made[key] = _message(after, seq, merged, concerned.get(person, []), person, staff)
        return made[key]

    return text_for


def _inside(audiences: list[Collection[str]], person: str) -> tuple[bool, ...]:
    return tuple(person in audience for audience in audiences)


def _message(after: int, seq: int, merged: list[Entry], own: list[Entry], person: str, staff: bool) -> str:
    replaced = {entry.seq for entry in own}
    shown = sorted([*own, *(entry for entry in merged if entry.seq not in replaced)], key=lambda entry: entry.seq)
    events = [seen for entry in shown if (seen := entry.seen_by(person, staff=staff)) is not None]
    return encode(Events(after=after, seq=seq, events=events))
