"""A client of the wire protocol for tests: sends JSON, waits for the message that is asked for."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENCE_S = 20.0
"""A test that waits longer hangs."""

Message = dict[str, Any]


class Client:
    """One socket. Messages that were not asked for wait until they are."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.skipped: list[Message] = []
        self.events: list[Message] = []

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str, **options: Any) -> "AsyncIterator[Client]":
        async with connect(url, proxy=None, max_size=None, **options) as connection:
            yield cls(connection)

    async def join(self, **fields: Any) -> "Joined":
        await self.send(type="join", v=1, **fields)
        return Joined(self, await self.expect("joined"))

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def expect(self, kind: str, /, **fields: Any) -> Message:
        """The next message of this type whose fields are these; an error that was not asked for fails."""
        wanted = {"type": kind, **fields}
        for message in self.skipped:
            if wanted.items() <= message.items():
                self.skipped.remove(message)
                return message
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await self.read()
                if wanted.items() <= message.items():
                    return message
                assert kind == "error" or message["type"] != "error", message
                self.skipped.append(message)

    async def read(self) -> Message:
        message: Message = json.loads(await self.connection.recv())
        if message["type"] == "events":
            self.events += message["events"]
        return message

    async def events_until(self, seq: int) -> list[Message]:
        """All events so far, at least up to this position."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.events or self.events[-1]["seq"] < seq:
                message = await self.read()
                if message["type"] != "events":
                    self.skipped.append(message)
        return self.events

    async def command(self, kind: str, /, **fields: Any) -> Message:
        """Send a command and wait for its acknowledgement."""
        await self.send(type=kind, **fields)
        return await self.expect("ack", cmd=fields["cmd"])

    async def closed(self) -> int | None:
        """Read on until the socket is closed; returns the code."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                while True:
                    self.skipped.append(await self.read())
            except ConnectionClosed as end:
                return end.rcvd.code if end.rcvd else None


class Joined(NamedTuple):
    """A socket that has joined, and what it was told."""

    client: Client
    joined: Message


def shown(message: Message) -> dict[str, str | None]:
    """The publisher in each slot."""
    return {slot["slot"]: slot["source"] and slot["source"]["publisher"] for slot in message["slots"]}


async def until_shown(client: Client, main: str | None) -> Message:
    """Wait until this person is in the main place, or nobody."""
    while shown(message := await client.expect("slots"))["main"] != main:
        pass
    return message
