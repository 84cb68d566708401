"""The session log: a stream per session, which everything else derives from.

Entry ids are `<seq>-0` with seq 1, 2, 3, … without gaps. Entries are appended by scripts only, in the same atomic step
that changes the state (see `qa_queue/scripts/prelude.lua`). The log is never trimmed.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass

from redis.backoff import ExponentialWithJitterBackoff

from store import keys
from store.connection import FOLLOW_BLOCK_MS, Store
from store.errors import LogRewound, StoreDefect, StoreUnavailable, translated

logger = logging.getLogger(__name__)

_FOLLOW_COUNT = 500  # entries at most in one step of a follower
_RECONNECT = ExponentialWithJitterBackoff(base=0.02, cap=1.0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its position in the log and its fields."""

    seq: int
    fields: dict[str, str]


class SessionLog:
    """Reading the logs of all sessions of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def length(self, session: str) -> int:
        """Position of the log: the seq of its last entry, 0 when there is none."""
        async with self._store.calls() as redis:
            return int(await redis.xlen(keys.log(session)))

    async def read(self, session: str, after: int, limit: int) -> list[Entry]:
        """Up to `limit` entries that follow `after`, oldest first."""
        async with self._store.calls() as redis:
            return _entries(await redis.xrange(keys.log(session), min=f"{after + 1}-0", count=limit), after)

    async def follow(self, session: str, after: int) -> AsyncGenerator[list[Entry], None]:
        """All entries that follow `after`, as they are appended: lists that are never empty, without gap or repeat.

        Goes on for ever, through restarts of the server; cancel the task or close the generator to end it. Occupies
        one connection while it waits.

        Raises:
            LogRewound: the server came back with less than was read from it already.
            StoreUnavailable: the embedded server is down for good.
        """
        failures, sure = 0, False
        while True:
            self._store.raise_if_down()
            try:
                if not sure:
                    await self._check_not_rewound(session, after)
                entries = await self._wait_for_entries(session, after)
            except StoreUnavailable as error:
                failures, sure = failures + 1, False
                if failures == 1:
                    logger.warning("following the log of %s is interrupted: %s", session, error)
                await asyncio.sleep(_RECONNECT.compute(failures))
                continue
            failures, sure = 0, bool(entries)
            if entries:
                after = entries[-1].seq
                yield entries

    async def _wait_for_entries(self, session: str, after: int) -> list[Entry]:
        """Wait for entries after `after`; none when none came in time."""
        key = keys.log(session)
        with translated():
            reply = await self._store.following.xread({key: f"{after}-0"}, count=_FOLLOW_COUNT, block=FOLLOW_BLOCK_MS)
        return _entries(reply[0][1], after) if reply else []

    async def _check_not_rewound(self, session: str, after: int) -> None:
        if (length := await self.length(session)) < after:
            raise LogRewound(f"The log of session {session} had {after} entries and has {length} now.")


def _entries(raw: Iterable[tuple[str, dict[str, str]]], after: int) -> list[Entry]:
    entries = [Entry(int(entry_id.partition("-")[0]), fields) for entry_id, fields in raw]
    for expected, entry in enumerate(entries, after + 1):
        if entry.seq != expected:
            raise StoreDefect(f"The log has entry {entry.seq} where {expected} belongs.")
    return entries
