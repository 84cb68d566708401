"""The parts of the load test that judge what a server did, and whom load may go to."""

import random

import msgspec
import pytest

from loadtests.ledger import Ledger
from loadtests.reception import Reception
from loadtests.replica import Gap, Replica
from loadtests.target import BadTarget, Target
from signaling.entities import Snapshot
from signaling.events import QuestionEvent, VotedEvent
from signaling.messages import Ack, Events, Joined
from tests.loadtests.wire import joined_message, question_fields, snapshot_fields


def snapshot(*questions: dict[str, object]) -> Snapshot:
    return msgspec.convert(snapshot_fields(*questions), Snapshot)


def joined(seq: int, *questions: dict[str, object]) -> Joined:
    return msgspec.convert(joined_message(seq, *questions), Joined)


def asked(seq: int, id_: str, state: str = "queued") -> QuestionEvent:
    event = {"kind": "question", "act": "ask", "seq": seq, "at": 1, "question": question_fields(id_, state=state)}
    return msgspec.convert(event, QuestionEvent)


def voted(seq: int, question: str, **mine: bool) -> VotedEvent:
    return VotedEvent(seq=seq, at=1, act="vote", question=question, votes=1, **mine)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:8080", "http://127.0.0.1:8080"),
        ("http://127.3.2.1:90/", "http://127.3.2.1:90"),
        ("http://[::1]", "http://[::1]:80"),
    ],
)
def test_targets_on_this_machine_are_taken(url: str, expected: str) -> None:
    assert Target.of(url).url == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://192.168.0.1:8080",
        "http://localhost.example.com",
        "http://localhost@example.com",
        "http://0.0.0.0:8080",
        "https://localhost",
        "localhost:8080",
        "http://[::1",
        "http://localhost:eighty",
        "",
    ],
)
def test_other_targets_are_refused(url: str) -> None:
    with pytest.raises(BadTarget):
        Target.of(url)


def test_session_and_token_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVETRIAL_SESSION", "serum-2")
    monkeypatch.setenv("LIVETRIAL_TOKEN", "abc")
    assert Target.of("http://localhost") == Target("127.0.0.1", 80, "serum-2", "abc")


def test_a_replica_follows_the_log() -> None:
    replica = Replica()
    replica.start(joined(6, question_fields("a")))
    replica.apply(Events(after=6, seq=8, events=[asked(7, "b"), voted(8, "b", mine=True)]))
    replica.apply(Events(after=8, seq=12, events=[voted(9, "a"), asked(11, "a", "answered")]))
    assert (replica.votes, replica.seq, replica.events) == ({"b": True}, 12, 4)


@pytest.mark.parametrize("after", [5, 7, 1])
def test_a_replica_tells_each_gap_once(after: int) -> None:
    replica = Replica()
    replica.start(joined(6))
    with pytest.raises(Gap, match=f"events after {after} came where those after 6 were due"):
        replica.apply(Events(after=after, seq=9, events=[]))
    replica.apply(Events(after=9, seq=10, events=[]))


def test_reception_counts_what_is_lost_recovered_and_repeated_across_the_wrap() -> None:
    reception = Reception()
    for sequence in (65533, 65534, 1, 2, 65535, 2, 65533, 4):
        reception.add(sequence, 100)
    assert (reception.packets, reception.recovered, reception.lost, reception.octets) == (6, 1, 2, 600)


def test_reception_of_any_order_within_half_a_cycle_agrees_with_a_set() -> None:
    seed = random.Random(8888)
    sent = range(65000, 67000)
    arrived = [number for number in sent if number == sent[0] or seed.random() < 0.9]
    order = [arrived[0], *sorted(arrived[1:], key=lambda number: number + seed.random() * 50)]
    reception = Reception()
    for number in order:
        reception.add(number % 65536, 1)
    assert reception.packets == len(arrived)
    assert reception.lost == arrived[-1] - arrived[0] + 1 - len(arrived)


def test_the_ledger_misses_what_was_acknowledged_and_only_that() -> None:
    ledger = Ledger()
    ledger.asked(Ack(cmd="1", seq=1, id="a"))
    ledger.asked(Ack(cmd="2", seq=2, id="gone"))
    for person in ("ana", "ben", "cai"):
        ledger.voted(Ack(cmd=person, seq=3, id="a"), person)
    ledger.unvoting("a", "cai")
    assert ledger.seq == 3
    assert ledger.missing(snapshot(question_fields("a", votes=2), question_fields("b", votes=9))) == [
        "question gone is gone"
    ]
    assert ledger.missing(snapshot(question_fields("a", votes=1), question_fields("gone"))) == [
        "question a has 1 votes, and 2 were acknowledged"
    ]
