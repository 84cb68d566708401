"""The live queue of all sessions: commands in, acknowledgements and events out.

Every command is one Lua script, one atomic step: it answers a repetition, checks, appends its event to the session log
and changes the state. When it returns, that is on disk (see `store.durability`).
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from qa_queue.commands import Ack, question_text
from qa_queue.errors import QuestionClosed, QuestionNotFound, QueueError
from qa_queue.events import Event, decode
from qa_queue.model import Person
from qa_queue.state import State, state_of_snapshot
from store import keys
from store.connection import Store
from store.log import SessionLog
from store.scripts import Script, load_script

RESULT_LIFETIME_MS = 24 * 60 * 60 * 1000
"""How long the result of a command is remembered. A page repeats a command when it reconnects; a phone may have slept
over night, but a session is over within a day. It bounds the memory to a day's commands, about 150 octets each."""

_ASK, _VOTE, _UNVOTE, _ANSWERING, _ANSWERED = (
    load_script("qa_queue", "prelude", name) for name in ("ask", "vote", "unvote", "answering", "answered")
)
_SNAPSHOT = load_script("qa_queue", "snapshot")


class _Result(msgspec.Struct, frozen=True):
    seq: int = 0
    question: str | None = None
    error: str | None = None


class LiveQueue:
    """The queue in a store.

    Commands take the session, the person who acts and the command id that the person's client made. A repeated id of the
    same person returns the first result, refusals included, and changes nothing. Only the text of a question is checked
    before, because what is wrong with it is wrong with every repetition too. Whether the person may do this is for the
    caller to decide.

    Raises, from every method:
        StoreUnavailable: not now; for a command, repeat it with the same id.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._log = SessionLog(store)

    async def ask(self, session: str, person: Person, cmd: str, text: str) -> Ack:
        """Ask a question, with no votes; `Ack.question` is its id.

        Raises:
            TextEmpty, TextTooLong: see `question_text`.
        """
        return await self._command(_ASK, session, person, cmd, person.name, question_text(text))

    async def vote(self, session: str, person: Person, cmd: str, question: str) -> Ack:
        """Vote for a question. Another vote of the same person changes nothing.

        Raises:
            QuestionNotFound, QuestionClosed
        """
        return await self._command(_VOTE, session, person, cmd, question)

    async def unvote(self, session: str, person: Person, cmd: str, question: str) -> Ack:
        """Take a vote back. Without one nothing changes.

        Raises:
            QuestionNotFound, QuestionClosed
        """
        return await self._command(_UNVOTE, session, person, cmd, question)

    async def answering(self, session: str, person: Person, cmd: str, question: str | None) -> Ack:
        """Move the pointer to a question, or clear it; a question left behind is queued again.

        Raises:
            QuestionNotFound, QuestionClosed
        """
        return await self._command(_ANSWERING, session, person, cmd, *(() if question is None else (question,)))

    async def answered(self, session: str, person: Person, cmd: str, question: str) -> Ack:
        """Mark a question as answered, which closes its votes; clears the pointer if it stood there.

        Raises:
            QuestionNotFound
        """
        return await self._command(_ANSWERED, session, person, cmd, question)

    async def snapshot(self, session: str) -> State:
        """The whole state, at one position of the log. A session without questions, or unknown, has `State()`."""
        return (await self.snapshot_for(session, ""))[0]

    async def snapshot_for(self, session: str, person_id: str) -> tuple[State, frozenset[str]]:
        """The whole state and the ids of the questions that a person votes for, at the same position of the log."""
        *state, voted = await _SNAPSHOT.run(self._store, _keys(session, person_id))
        return state_of_snapshot(state), frozenset(voted)

    async def voted(self, session: str, person_id: str) -> frozenset[str]:
        """Ids of the questions that a person votes for now."""
        async with self._store.calls() as redis:
            return frozenset(await redis.smembers(keys.voted(session, person_id)))

    async def events(self, session: str, after: int, limit: int) -> list[Event]:
        """Up to `limit` events that follow position `after`, oldest first."""
        return [decode(entry) for entry in await self._log.read(session, after, limit)]

    async def follow(self, session: str, after: int) -> AsyncGenerator[list[Event], None]:
        """All events that follow position `after`, as they happen; see `SessionLog.follow`."""
        async with aclosing(self._log.follow(session, after)) as batches:
            async for entries in batches:
                yield [decode(entry) for entry in entries]

    async def _command(self, script: Script, session: str, person: Person, cmd: str, *args: str) -> Ack:
        raw = await script.run(
            self._store,
            [*_keys(session, person.id), keys.result(session, person.id, cmd)],
            [person.id, RESULT_LIFETIME_MS, *args],
        )
        result = msgspec.json.decode(raw, type=_Result)
        if result.error is not None:
            raise _refusal(result.error)
        return Ack(result.seq, result.question)


def _keys(session: str, person_id: str) -> list[str]:
    """KEYS 1 to 6 of every script."""
    of_session = (keys.log, keys.questions, keys.votes, keys.answered, keys.answering)
    return [*(name(session) for name in of_session), keys.voted(session, person_id)]


def _refusal(code: str) -> QueueError:
    if code == QuestionClosed.code:
        return QuestionClosed("The question is answered.")
    return QuestionNotFound("There is no such question in this session.")
