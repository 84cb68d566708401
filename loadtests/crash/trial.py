"""The rounds: load, a kill at a random moment, a restart, and the comparison."""

import asyncio
import itertools
import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from loadtests.crash.ledger import Ledger, Promise
from loadtests.crash.victim import API_KEY, Victim
from loadtests.crash.writer import Command, Writer
from qa_queue.model import Actor
from qa_queue.queue import LiveQueue
from qa_queue.state import State
from store.connection import open_store
from store.errors import StoreUnavailable

WRITERS = 8
ROUNDS_OF_SESSION = 20
"""A new session after that, so that comparing takes the same time in every round."""

ACKS = (5, 40)
"""Acknowledgements in a round before the kill: at least, at most."""

JITTER_S = 0.02
"""The kill comes within that after the last of them, so that it meets any step of the next command."""

KILLED = ({"server": True, "store": True}, {"server": True, "store": False}, {"server": False, "store": True})
POLL = {"kind": "single", "options": ["a", "b"], "max_choices": 1, "stars": 5, "results": "live"}
ROUND_TIMEOUT_S = 120.0
STORE_ATTEMPTS = 20
MANY = 1_000_000


@dataclass
class Result:
    """Totals. `lost`: acknowledgements that are not in the log; `duplicated`: events that nobody asked for."""

    rounds: int = 0
    acknowledged: int = 0
    lost: int = 0
    duplicated: int = 0


@dataclass
class Trial:
    """Kills one server again and again.

    Args:
        folder: for its data.
        seed: of the kills' moments and kinds, and of what people do.
    """

    folder: Path
    seed: int
    result: Result = field(default_factory=Result)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._victim = Victim(self.folder, port)
        self._acked = asyncio.Event()

    async def run(self, rounds: int) -> Result:
        """Run that many rounds. Raises `AssertionError` when the state does not follow from the log."""
        await self._victim.start()
        try:
            while self.result.rounds < rounds:
                await self._session(min(ROUNDS_OF_SESSION, rounds - self.result.rounds))
        finally:
            await self._victim.kill(server=True, store=True)
        return self.result

    async def _session(self, rounds: int) -> None:
        session, ledger = f"crash-{self.seed}-{self.result.rounds}", Ledger()
        writers = await self._prepare(session, ledger)
        before = Result(**vars(self.result))
        for _ in range(rounds):
            await self._round(writers, ledger)
            lost, duplicated = await self._compare(session, ledger)
            self.result.rounds += 1
            self.result.acknowledged = before.acknowledged + len(ledger.promises)
            self.result.lost, self.result.duplicated = before.lost + lost, before.duplicated + duplicated

    async def _round(self, writers: list[Writer], ledger: Ledger) -> None:
        """Load until some acknowledgements are there, a kill, a restart; ends when nothing is unacknowledged."""
        enough = len(ledger.promises) + self._random.randint(*ACKS)
        killed, jitter_s = self._random.choice(KILLED), self._random.uniform(0, JITTER_S)
        for writer in writers:
            writer.stopping = False
        async with asyncio.timeout(ROUND_TIMEOUT_S), asyncio.TaskGroup() as tasks:
            for writer in writers:
                tasks.create_task(writer.run())
            while len(ledger.promises) < enough:
                await self._acked.wait()
                self._acked.clear()
            await asyncio.sleep(jitter_s)
            await self._victim.kill(**killed)
            for writer in writers:
                writer.stopping = True
            if killed["server"]:
                await self._victim.start()

    async def _compare(self, session: str, ledger: Ledger) -> tuple[int, int]:
        """Lost and duplicated, by the log; the state must be what the log says."""
        async with _opened(self._victim) as queue:
            events = await queue.events(session, 0, MANY)
            state = State()
            for event in events:
                state.apply(event)
            assert state == await queue.snapshot(session), "the state does not follow from the log"
        return len(ledger.lost(events)), ledger.duplicated(events)

    async def _prepare(self, session: str, ledger: Ledger) -> list[Writer]:
        """A session with something to vote for, and people."""
        api, key = f"http://127.0.0.1:{self._victim.port}/api/v1/sessions", {"Authorization": f"Bearer {API_KEY}"}
        tokens: dict[str, str] = {}
        async with httpx.AsyncClient(trust_env=False, headers=key) as http:
            (await http.post(api, json={"id": session, "title": "Crash"})).raise_for_status()
            for number in range(WRITERS):
                made = await http.post(f"{api}/{session}/tokens", json={"person": f"p{number}", "name": "P"})
                tokens[f"p{number}"] = made.raise_for_status().json()["token"]
        async with _opened(self._victim) as queue:
            host = Actor("host", "Host", "host")
            await queue.run(session, host, "s1", "configure", ask_every_s=0)
            question = (await queue.run(session, host, "s2", "ask", text="Which?")).id
            poll = (await queue.run(session, host, "s3", "poll_make", text="Which?", **POLL)).id
            await queue.run(session, host, "s4", "poll_open", poll=poll)
            draw = (await queue.run(session, host, "s5", "draw_open", title="Win", prizes=1)).id

        def on_ack(promise: Promise) -> None:
            ledger.promises.append(promise)
            self._acked.set()

        url = f"ws://127.0.0.1:{self._victim.port}/ws"
        return [
            Writer(url, session, token, person, _commands(f"{person}-{self.seed}", question, poll, draw), on_ack)
            for person, token in tokens.items()
        ]


def _commands(name: str, question: str | None, poll: str | None, draw: str | None) -> Iterator[Command]:
    """What a person does; each makes one event, whatever the others do."""
    yield {"type": "draw_enter", "draw": draw, "nonce": name}
    for turn in itertools.count():
        yield {"type": "unvote" if turn % 2 else "vote", "question": question}
        yield {"type": "ask", "text": f"{name}: {turn}?"}
        yield {"type": "poll_vote", "poll": poll, "ballot": [str(turn % 2)]}


@asynccontextmanager
async def _opened(victim: Victim) -> AsyncIterator[LiveQueue]:
    """The queue in the victim's Valkey, as soon as that answers."""
    for _ in range(STORE_ATTEMPTS):
        with suppress(StoreUnavailable):
            store = await open_store(victim.store_url, victim.data_dir)
            break
    else:
        raise AssertionError("Valkey did not come back")
    try:
        yield LiveQueue(store)
    finally:
        await store.close()
