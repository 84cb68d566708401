"""Session records: which sessions there are."""

import msgspec

from store import keys
from store.connection import Store
from store.errors import SessionExists, StoreDefect


class SessionRecord(msgspec.Struct, frozen=True):
    """A session.

    Args:
        id: `[a-z0-9][a-z0-9-]{0,39}`.
        title: as shown to people.
        open: anyone may join as a member, without a token.
        created_at: ms since 1970.
    """

    id: str
    title: str
    open: bool
    created_at: int


class Sessions:
    """The session records of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, record: SessionRecord) -> None:
        """Store a new session. Repeating it with the same record changes nothing.

        The index is written first: a crash in between leaves an id without a record, which `list` passes over, and
        never a record that `list` does not find.

        Raises:
            SessionExists: the id is taken by another record.
        """
        async with self._store.calls() as redis:
            await redis.zadd(keys.SESSIONS, {record.id: record.created_at}, nx=True)
            created = await redis.set(keys.session(record.id), msgspec.json.encode(record), nx=True)
        if not created and await self.get(record.id) != record:
            raise SessionExists(f"There is a session {record.id} already.")

    async def get(self, sid: str) -> SessionRecord | None:
        """The record of a session; None when there is none."""
        async with self._store.calls() as redis:
            return _record(await redis.get(keys.session(sid)))

    async def list(self) -> "list[SessionRecord]":
        """All sessions, newest first."""
        async with self._store.calls() as redis:
            ids = await redis.zrange(keys.SESSIONS, 0, -1, desc=True)
            if not ids:
                return []
            pipeline = redis.pipeline(transaction=False)  # the records lie in different slots of a cluster
            for sid in ids:
                pipeline.get(keys.session(sid))
            return [record for raw in await pipeline.execute() if (record := _record(raw))]


def _record(raw: str | None) -> SessionRecord | None:
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=SessionRecord)
    except msgspec.MsgspecError as error:
        raise StoreDefect(f"A stored session record cannot be read: {error}") from error
