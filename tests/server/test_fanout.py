"""What everybody is told: made once, without gap or repeat, and in turns."""

import asyncio
import itertools
import json
from typing import Any

import pytest

from qa_queue.events import Event, Voted
from qa_queue.state import State
from server.fanout import SENT_AT_ONCE, Fanout
from server.member import Identity, Member
from server.outbox import Outbox
from server.views.entries import Entry, advance
from signaling.messages import Presence


class Recorded:
    """A member, and the frames that it was sent."""

    def __init__(self, person: str, role: Any = "member") -> None:
        self.frames: list[bytes] = []
        self.member = Member(Identity("s", person, person, role, None), Outbox(self._take))

    def _take(self, frame: bytes) -> bool:
        self.frames.append(frame)
        return True

    @property
    def messages(self) -> list[dict[str, Any]]:
        text = b"".join(self.frames)
        found = []
        while text:
            size, begin = text[1], 2
            if size == 126:
                size, begin = int.from_bytes(text[2:4]), 4
            found.append(json.loads(text[begin : begin + size]))
            text = text[begin + size :]
        return found


def votes(state: State, people: list[str]) -> list[Entry]:
    """An entry for each person who votes."""
    entries = []
    for person in people:
        vote, seq = Voted("q1", state.seq + 1, True), state.seq + 1
        entries.append(advance(state, Event(seq, 1, person, person, "member", "vote", "voted", vote)))
    return entries


@pytest.fixture
async def audience() -> list[Recorded]:
    return [Recorded(f"m{number}") for number in range(3 * SENT_AT_ONCE)]


def fanout_to(audience: list[Recorded]) -> Fanout:
    return Fanout(lambda: [each.member for each in audience])


async def test_a_delta_is_encoded_once_for_all_who_are_told_the_same(
    audience: list[Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = itertools.count()
    from server import broadcast

    encode = broadcast.encode

    def counted(message: Any) -> str:
        next(encoded)
        return encode(message)

    monkeypatch.setattr(broadcast, "encode", counted)
    fanout = fanout_to([*audience, Recorded("host", "host")])
    fanout.add(votes(State(), ["m0", "m1"]))
    await fanout.tell()
    assert next(encoded) == 4, "the two voters, the other members, staff"
    assert len({id(each.frames[0]) for each in audience[2:]}) == 1


async def test_news_join_without_a_gap_for_whoever_enters_when(audience: list[Recorded]) -> None:
    state, fanout = State(), fanout_to(audience)
    fanout.add(votes(state, ["m0"]))
    fanout.say(Presence(present=1))
    late = Recorded("late")
    late.member.position, late.member.heard = state.seq, fanout.said
    audience.append(late)
    fanout.add(votes(state, ["m1"]))
    fanout.say(Presence(present=2))
    await fanout.tell()
    fanout.say(Presence(present=3))
    await fanout.tell()
    first = audience[5].messages
    assert [message.get("present") for message in first] == [None, 1, 2, 3]
    assert (first[0]["after"], first[0]["seq"]) == (0, 2)
    missed = late.messages
    assert [message.get("present") for message in missed] == [None, 2, 3]
    assert (missed[0]["after"], missed[0]["seq"]) == (1, 2)


async def test_who_enters_while_it_is_told_is_not_told_what_it_knows(audience: list[Recorded]) -> None:
    state, fanout = State(), fanout_to(audience)
    fanout.add(votes(state, ["m0"]))
    telling = asyncio.create_task(fanout.tell())
    await asyncio.sleep(0)  # the first turn
    assert audience[0].frames
    assert not audience[-1].frames
    late = Recorded("late")
    late.member.position, late.member.heard = state.seq, fanout.said
    audience.append(late)
    fanout.say(Presence(present=9))
    await telling
    await fanout.tell()
    assert [message["type"] for message in late.messages] == ["presence"]
    assert [message["type"] for message in audience[-2].messages] == ["events", "presence"]


async def test_others_have_their_turns_while_a_large_audience_is_told(audience: list[Recorded]) -> None:
    fanout = fanout_to(audience)
    fanout.add(votes(State(), ["m0"]))
    told_at: list[int] = []

    async def other() -> None:
        while len(told_at) < 100 and not audience[-1].frames:
            told_at.append(sum(bool(each.frames) for each in audience))
            await asyncio.sleep(0)

    await asyncio.gather(fanout.tell(), other())
    steps = [later - earlier for earlier, later in itertools.pairwise(told_at)]
    assert max(steps) <= SENT_AT_ONCE
    assert steps.count(0) >= 2, "several turns between two of ours"
