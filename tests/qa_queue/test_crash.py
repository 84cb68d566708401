"""The crash test, with few rounds, and what judges it."""

from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.crash.ledger import Ledger, Promise
from loadtests.crash.trial import Trial
from qa_queue.events import Event
from qa_queue.model import Actor
from qa_queue.queue import LiveQueue
from store.connection import Store

ROUNDS = 20


@pytest.mark.parametrize("seed", [7])
async def test_kill_9_of_server_and_store_loses_and_doubles_nothing(tmp_path: Path, seed: int) -> None:
    result = await Trial(tmp_path, seed).run(ROUNDS)
    assert (result.rounds, result.lost, result.duplicated) == (ROUNDS, 0, 0)
    assert result.acknowledged >= ROUNDS * 5


async def test_the_ledger_sees_what_is_lost_and_what_is_doubled(store: Store, session: str) -> None:
    queue, ann = LiveQueue(store), Actor("ann", "Ann")
    ledger = Ledger()
    for number, (name, args) in enumerate([("ask", {"text": "?"}), ("vote", {"question": "q1"})]):
        ack = await queue.run(session, ann, f"c{number}", name, **args)
        ledger.promises.append(Promise("ann", name, args.get("text"), ack.seq, ack.id))
    events = await queue.events(session, 0, 10)
    assert (ledger.lost(events), ledger.duplicated(events)) == ([], 0)
    again: Event = replace_seq(events[1], 3)
    assert ledger.duplicated([*events, again]) == 1
    assert ledger.lost(events[:1]) == [ledger.promises[1]]
    assert ledger.lost([events[0], replace_seq(events[0], 2)]) == [ledger.promises[1]], "another's event"
    other = replace(ledger.promises[0], text="other")
    assert Ledger([other]).lost(events) == [other]


def replace_seq(event: Event, seq: int) -> Event:
    return Event(seq, event.at, event.by, event.name, event.role, event.act, event.kind, event.data)
