"""A person who goes on acting through crashes, as a page does: joins again and repeats what was not acknowledged."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from loadtests.crash.ledger import Promise
from signaling import VERSION

RETRY_S = 0.02
Command = dict[str, Any]


class Refused(Exception):
    """The server refused what it must not refuse."""


class Writer:
    """One person.

    Args:
        url: of the WebSocket.
        session, token, person: whom it is, a personal token.
        commands: what it does, endlessly; each makes one event.
        on_ack: called with each acknowledgement, once.

    Attributes:
        stopping: set it to end `run` when nothing is unacknowledged.
    """

    def __init__(
        self,
        url: str,
        session: str,
        token: str,
        person: str,
        commands: Iterator[Command],
        on_ack: Callable[[Promise], None],
    ) -> None:
        self._url, self._join, self._person = url, {"session": session, "token": token}, person
        self._commands, self._on_ack = commands, on_ack
        self._pending: Command | None = None
        self._number = 0
        self.stopping = False

    async def run(self) -> None:
        """Act until `stopping`. Raises `Refused`."""
        while not (self.stopping and self._pending is None):
            with suppress(OSError, WebSocketException, TimeoutError, asyncio.IncompleteReadError):
                async with connect(self._url, proxy=None, max_size=None, close_timeout=0.1) as socket:
                    await self._act(socket)
                    continue
            await asyncio.sleep(RETRY_S)

    async def _act(self, socket: ClientConnection) -> None:
        await socket.send(json.dumps({"type": "join", "v": VERSION, **self._join}))
        if (await self._answer(socket, None))["type"] == "error":
            return
        while self._pending is not None or not self.stopping:
            if self._pending is None:
                self._number += 1
                self._pending = {**next(self._commands), "cmd": f"c{self._number}"}
            await socket.send(json.dumps(self._pending))
            answer = await self._answer(socket, self._pending["cmd"])
            if answer["type"] == "ack":
                done, self._pending = self._pending, None
                self._on_ack(Promise(self._person, done["type"], done.get("text"), answer["seq"], answer["id"]))

    async def _answer(self, socket: ClientConnection, cmd: str | None) -> Command:
        """`joined`, the ack of a command, or an error that passes."""
        while True:
            message: Command = json.loads(await socket.recv())
            if message["type"] == "error":
                if message["code"] not in ("busy", "rate_limited"):
                    raise Refused(f"{message['code']}: {message['message']}")
                await asyncio.sleep(max(RETRY_S, message.get("retry_after_ms", 0) / 1000))
                return message
            if message["type"] == "joined" if cmd is None else message.get("cmd") == cmd:
                return message
