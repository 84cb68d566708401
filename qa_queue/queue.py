"""The live queue of all sessions: commands in, acknowledgements and events out.

Every command is one Lua script, one atomic step: it answers a repetition, checks, appends its event to the session log
and changes the state. When it returns, that is on disk (see `store.durability`).
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import msgspec

from qa_queue.commands import COMMANDS
from qa_queue.draw.model import Draw, Ticket
from qa_queue.draw.tickets import digest, winning_tickets
from qa_queue.errors import QueueError
from qa_queue.events import Event, decode
from qa_queue.model import SYSTEM, Actor, Person, Role
from qa_queue.moderation.commands import ARRIVE
from qa_queue.moderation.model import Settings
from qa_queue.reactions.commands import REACT
from qa_queue.spec import Spec
from qa_queue.stage.commands import STAGE_HOLD
from qa_queue.state import State, state_of_snapshot
from store import keys
from store.connection import Store
from store.log import SessionLog
from store.scripts import load_script

RESULT_LIFETIME_MS = 24 * 60 * 60 * 1000
"""How long the result of a command is remembered. A page repeats a command when it reconnects; a phone may have slept
over night, but a session is over within a day. It bounds the memory to a day's commands, about 150 octets each."""

_SNAPSHOT = load_script("qa_queue", "snapshot")
_READ_ENTRIES = load_script("qa_queue.draw", "read_entries")
_DEFAULTS = msgspec.json.encode(Settings()).decode()


class Ack(msgspec.Struct, frozen=True):
    """A command is done, and on disk.

    `seq`: the last event that it made; where nothing needed to change, the position of the log.
    `id`: what it was about, or made.
    """

    seq: int
    id: str | None = None


class _Result(msgspec.Struct, frozen=True):
    seq: int = 0
    id: str | None = None
    error: str | None = None
    retry_after_ms: float | None = None


class LiveQueue:
    """The queue in a store.

    Raises, from every method:
        StoreUnavailable: not now; for a command, repeat it with the same id.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._log = SessionLog(store)

    async def run(self, session: str, actor: Actor, cmd: str, name: str, /, **args: Any) -> Ack:
        """Carry out a command.

        A repeated `cmd` of the same person returns the first result and changes nothing. Refusals that pass by themselves are
        not remembered.

        Args:
            session: its id.
            actor: who acts; the script knows what moderators decided about that person.
            cmd: made by the person's client.
            name: of the command, as in the protocol.
            args: its fields, of the types and within the bounds that the protocol gives them.

        Raises:
            QueueError: refused, nothing changed.
        """
        spec = COMMANDS[name]
        return await self._run(spec, session, actor, spec.arguments(args), keys.result(session, actor.id, cmd))

    async def arrive(self, session: str, actor: Actor) -> Role:
        """A person joins. Returns the role that counts.

        Raises:
            QueueError: banned.
        """
        arrived = await self._run(ARRIVE, session, actor, {"token_role": actor.role}, None)
        role: Role = msgspec.convert(arrived.id, Role)
        return role

    async def hold_stage(self, session: str, person: str, *, here: bool, hold_ms: int) -> None:
        """Say whether somebody on stage has a page open on this node; who has had none anywhere for `hold_ms` leaves the stage."""
        args = {"person": person, "here": here, "hold_ms": hold_ms}
        await self._run(STAGE_HOLD, session, SYSTEM, args, None)

    async def react(self, session: str, counts: Mapping[str, int]) -> int:
        """Add taps; they are told to all at most five times a second.

        Returns:
            0, or the ms after which to call again, without taps, so that what waits is told.
        """
        return int((await self._run(REACT, session, SYSTEM, {"counts": dict(counts)}, None)).id or 0)

    async def finish_draw(self, session: str, draw: str) -> Ack:
        """Draw the winners of a closed draw; repeating it changes nothing.

        Raises:
            QueueError: there is none, or it is not closed.
        """
        made, secret, owners = await self._read_draw(session, draw)
        by_number = {entry.ticket: Person(person, entry.name) for entry, person in owners.items()}
        hashed = digest(owners)
        tickets = winning_tickets(secret, hashed, len(owners), made.prizes)
        winners = [msgspec.to_builtins(by_number[ticket]) for ticket in tickets]
        return await self.run(
            session,
            SYSTEM,
            f"drawn-{draw}",
            "drawn",
            draw=draw,
            entries=len(owners),
            secret=secret,
            digest=hashed,
            tickets=tickets,
            winners=winners,
        )

    async def draw_record(self, session: str, draw: str) -> tuple[Draw, list[Ticket]]:
        """A draw and its entries in the order of their tickets, for those who verify it.

        Raises:
            QueueError: there is none.
        """
        made, _, owners = await self._read_draw(session, draw)
        return made, sorted(owners, key=lambda entry: entry.ticket)

    async def snapshot(self, session: str) -> State:
        """The whole state, at one position of the log. A session in which nothing happened, or unknown, has `State()`."""
        return state_of_snapshot(await _SNAPSHOT.run(self._store, _keys(session)[:4]))

    async def events(self, session: str, after: int, limit: int) -> list[Event]:
        """Up to `limit` events that follow position `after`, oldest first."""
        return [decode(entry) for entry in await self._log.read(session, after, limit)]

    async def follow(self, session: str, after: int) -> AsyncGenerator[list[Event], None]:
        """All events that follow position `after`, as they happen; see `SessionLog.follow`."""
        async with aclosing(self._log.follow(session, after)) as batches:
            async for entries in batches:
                yield [decode(entry) for entry in entries]

    async def _read_draw(self, session: str, draw: str) -> tuple[Draw, str, dict[Ticket, str]]:
        """A draw, its secret, and its entries with their persons."""
        of_session = [keys.entities(session), keys.facts(session), keys.meta(session)]
        read = await _READ_ENTRIES.run(self._store, of_session, [_searchable(draw)])
        if not read:
            raise QueueError("not_found")
        entries = zip(read[2][::2], read[2][1::2], strict=True)
        owners = {msgspec.json.decode(raw, type=Ticket): person for person, raw in entries}
        return msgspec.json.decode(read[0], type=Draw), read[1], owners

    async def _run(self, spec: Spec, session: str, actor: Actor, args: Mapping[str, Any], result: str | None) -> Ack:
        # Without a result to keep, the key is only there to be counted.
        key = result or keys.result(session, actor.id, "")
        raw = await spec.lua.run(
            self._store,
            [*_keys(session), key],
            [
                _encode(_given(actor)),
                RESULT_LIFETIME_MS if result else 0,
                spec.right,
                _DEFAULTS,
                _encode(args),
            ],
        )
        outcome = msgspec.json.decode(raw, type=_Result)
        if outcome.error is not None:
            wait = outcome.retry_after_ms
            raise QueueError(outcome.error, retry_after_ms=None if wait is None else int(wait))
        return Ack(outcome.seq, outcome.id)


def _given(actor: Actor) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(actor).items() if value is not None}


def _searchable(id: str) -> str:
    """An id as it is, unless it is none that was ever made, which a pattern would be."""
    return id if id.isalnum() else ""


def _encode(value: Any) -> str:
    # Lone surrogates, which no JSON has, come only in ids that nothing has.
    return msgspec.json.encode(value).decode()


def _keys(session: str) -> list[str]:
    """KEYS 1 to 5 of every script."""
    return [name(session) for name in (keys.log, keys.entities, keys.facts, keys.counts, keys.meta)]
