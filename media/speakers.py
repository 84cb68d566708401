"""Whose microphone is heard, where there are more than slots for them, and who is said to speak."""

from collections.abc import Callable, Mapping, Sequence

from media.views import AUDIO_SLOTS

LISTEN_INTERVAL_S = 0.3
"""Between two looks at the levels."""

TELL_INTERVAL_S = 0.5
"""The least time between two lists of speakers: each goes to everybody in the session."""

SEATS = AUDIO_SLOTS[1:]
"""`audio-1` is the main place's own."""

MARGIN_DB = 6.0
"""So much louder must one be to take the seat of another who speaks: two who talk at once would change places else."""

SILENCE_DBOV = -127.0


def seat(
    microphones: Sequence[tuple[int, str | None]], seated: Mapping[str, int], levels: Mapping[int, float]
) -> dict[str, int]:
    """The source in each audio slot beside `audio-1`.

    While all find a seat, each has the one of its picture, silent or not. Where there are more, the loudest have the
    seats, and who stays among them is not moved.

    Args:
        microphones: (source, audio slot of its picture or None), those who came first first.
        seated: what was returned last.
        levels: smoothed levels of those who speak, in dBov.
    """
    homes = dict(microphones)
    seats: dict[str, int] = {}
    chosen = list(homes)
    if len(chosen) > len(SEATS):
        incumbents = set(seated.values())

        def loudness(source: int) -> float:
            return levels.get(source, SILENCE_DBOV) + (MARGIN_DB if source in incumbents else 0.0)

        chosen = sorted(chosen, key=loudness, reverse=True)[: len(SEATS)]
        seats = {slot: source for slot, source in seated.items() if source in chosen}
    newcomers = [source for source in chosen if source not in seats.values()]
    for source in newcomers:
        home = homes[source]
        if home is not None and home not in seats:
            seats[home] = source
    free = (slot for slot in SEATS if slot not in seats)
    placed = set(seats.values())
    return seats | dict(zip(free, (source for source in newcomers if source not in placed), strict=False))


class Speakers:
    """The list of people who speak.

    Args:
        tell: called with the list when it changed, at most once in `TELL_INTERVAL_S`; `update` comes again by then.
    """

    def __init__(self, tell: Callable[[list[str]], None]) -> None:
        self.people: list[str] = []
        self._tell = tell
        self._told_at = float("-inf")

    def update(self, people: Sequence[str], now: float) -> None:
        """These people speak now; a person with two microphones counts once."""
        unique = list(dict.fromkeys(people))
        if unique == self.people or now - self._told_at < TELL_INTERVAL_S:
            return
        self.people, self._told_at = unique, now
        self._tell(unique)
