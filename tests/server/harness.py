"""A running server under test, and clients of it."""

import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import httpx

from server.node import Node
from store.sessions import SessionRecord
from tests.server.ws_client import Client, Joined

API_KEY = "test-api-key"


class Running:
    """A running server, and clients of it that end with the test."""

    def __init__(
        self,
        node: Node,
        port: int,
        http: httpx.AsyncClient,
        stack: AsyncExitStack,
        stop: Callable[[], Awaitable[None]],
    ) -> None:
        self.node = node
        self.port = port
        self.http = http
        self.stop = stop
        self._stack = stack

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    async def session(self, *, open: bool = False) -> str:
        """Make a session; returns its id."""
        session = f"t-{uuid.uuid4().hex[:12]}"
        await self.node.sessions.create(SessionRecord(id=session, title="Trial", open=open, created_at=1))
        return session

    def token(self, session: str, role: str = "member", person: str | None = None, **claims: object) -> str:
        return self.node.tokens.mint(session, role, person=person, **claims)  # type: ignore[arg-type]

    async def connect(self, **options: object) -> Client:
        """A socket that has not joined."""
        return await self._stack.enter_async_context(Client.connected(self.ws_url, **options))

    async def join(self, session: str, role: str = "member", person: str | None = None, **fields: object) -> Joined:
        """A socket that has joined, as a person that is made up unless it is given."""
        client = await self.connect()
        token = self.token(session, role, person or uuid.uuid4().hex[:8])
        return await client.join(session=session, token=token, **fields)


Start = Callable[..., Awaitable[Running]]
