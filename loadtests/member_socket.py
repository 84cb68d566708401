"""A member's WebSocket, blocking; under gevent's patches each wait lets the other members go on."""

import itertools
import secrets
from collections.abc import Callable
from time import perf_counter

import gevent  # type: ignore[import-untyped]
import msgspec
from gevent.event import AsyncResult  # type: ignore[import-untyped]
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from loadtests.replica import Gap, Replica
from loadtests.target import PATIENCE_S, Target
from signaling import VERSION
from signaling.codec import MAX_MESSAGE_BYTES
from signaling.commands import Ask, Command, Unvote, Vote
from signaling.events import QuestionEvent, VotedEvent
from signaling.messages import (
    Ack,
    Error,
    Events,
    Join,
    Joined,
    ServerMessage,
    Waiting,
)

_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)
_encoder = msgspec.json.Encoder()


class Refused(Exception):
    """The server answered with an error; `code` is PROTOCOL.md's."""

    def __init__(self, error: Error) -> None:
        super().__init__(f"{error.code}: {error.message}")
        self.code = error.code


class Unanswered(Exception):
    """Something that must come did not."""


class Lost(Exception):
    """The socket is closed."""


class MemberSocket:
    """One member, from the join to the close.

    Args:
        target: where it joins.
        name: its display name.
        on_gap: told when an event is missing.

    Attributes:
        replica: what this member knows.
        person: its id.
        joined: the answer to its join.
        lost: why the socket ended, other than by `close`; None while it is open.

    Raises:
        OSError: nothing answers.
        Refused: not admitted.
        Unanswered: no answer to `join`.
    """

    def __init__(self, target: Target, name: str, on_gap: Callable[[Gap], None]) -> None:
        self.replica = Replica()
        self._target = target
        self._on_gap = on_gap
        self.lost: Lost | None = None
        self._leaving = False
        self._commands = (f"{secrets.token_hex(4)}-{number}" for number in itertools.count())
        self._replies: dict[str, AsyncResult] = {}
        self._own_events: dict[int, AsyncResult] = {}
        self._socket = _open(target)
        self.joined = self._join(name)
        self.person = self.joined.you.id
        self._reader = gevent.spawn(self._read)

    def ask(self, text: str) -> "Pending":
        """Send a question."""
        return self._send(Ask(cmd=next(self._commands), text=text))

    def vote(self, question: str) -> "Pending":
        """Send a vote."""
        return self._send(Vote(cmd=next(self._commands), question=question))

    def unvote(self, question: str) -> "Pending":
        """Take a vote back."""
        return self._send(Unvote(cmd=next(self._commands), question=question))

    def close(self) -> None:
        """Leave for good."""
        self._leaving = True
        self._socket.close(1000)
        self._reader.join()

    def _join(self, name: str) -> Joined:
        join = Join(v=VERSION, session=self._target.session, token=self._target.token, name=name)
        self._socket.send(_encoder.encode(join), text=True)
        try:
            while isinstance(reply := _decoder.decode(self._socket.recv(timeout=PATIENCE_S)), Waiting):
                pass  # its place in the queue at the door has changed
        except TimeoutError:
            self._socket.close()
            raise Unanswered(f"no answer to `join` within {PATIENCE_S:g} s") from None
        if isinstance(reply, Error):
            self._socket.close()
            raise Refused(reply)
        assert isinstance(reply, Joined), "`join` is answered by `joined` or an error"
        self.replica.start(reply)
        return reply

    def _send(self, command: Command) -> "Pending":
        reply = self._replies[command.cmd] = AsyncResult()
        try:
            self._socket.send(_encoder.encode(command), text=True)
        except ConnectionClosed as end:
            raise Lost(f"the socket was closed: {end}") from end
        return Pending(reply, self._own_events)

    def _read(self) -> None:
        """Take messages until the socket ends."""
        try:
            for text in self._socket:
                self._take(_decoder.decode(text))
        except ConnectionClosed as end:
            self._end(Lost(f"the socket was closed: {end}"))
        except msgspec.DecodeError as error:
            self._end(Lost(f"the server sent what the protocol does not know: {error}"))
            self._socket.close()
        else:
            self._end(Lost(f"the socket was closed with {self._socket.close_code}"))

    def _take(self, message: ServerMessage) -> None:
        match message:
            case Events():
                self._apply(message)
            case Ack() if waiting := self._replies.pop(message.cmd, None):
                waiting.set((perf_counter(), message))
            case Error() if waiting := self._replies.pop(str(message.cmd), None):
                waiting.set_exception(Refused(message))

    def _apply(self, message: Events) -> None:
        try:
            self.replica.apply(message)
        except Gap as gap:
            self._on_gap(gap)
        for event in message.events:
            if isinstance(event, QuestionEvent | VotedEvent) and isinstance(event.mine, bool):
                self._own_events.setdefault(event.seq, AsyncResult()).set(perf_counter())

    def _end(self, error: Lost) -> None:
        if not self._leaving:
            self.lost = error
        for waiting in (*self._replies.values(), *self._own_events.values()):
            if not waiting.ready():
                waiting.set_exception(error)


class Pending:
    """A command on its way. Call `acknowledged`, then `seen`."""

    def __init__(self, reply: AsyncResult, own_events: dict[int, AsyncResult]) -> None:
        self._sent_at = perf_counter()
        self._reply = reply
        self._own_events = own_events

    def acknowledged(self) -> tuple[float, Ack]:
        """Wait for the ack; returns the milliseconds that it took, and it.

        Raises:
            Refused: the server answered with an error.
            Unanswered, Lost: no answer came.
        """
        try:
            arrived_at, ack = self._reply.get(timeout=PATIENCE_S)
        except gevent.Timeout:
            raise Unanswered(f"no ack within {PATIENCE_S:g} s") from None
        return (arrived_at - self._sent_at) * 1000, ack

    def seen(self, ack: Ack) -> float:
        """Wait for the event that the ack names; returns milliseconds since the command was sent.

        Raises:
            Unanswered, Lost: it did not come.
        """
        try:
            arrived_at: float = self._own_events.setdefault(ack.seq, AsyncResult()).get(timeout=PATIENCE_S)
        except gevent.Timeout:
            raise Unanswered(f"event {ack.seq} was acknowledged and not seen within {PATIENCE_S:g} s") from None
        finally:
            self._own_events.pop(ack.seq)
        return (arrived_at - self._sent_at) * 1000


def _open(target: Target) -> ClientConnection:
    # A proxy of the environment is for the outside.
    return connect(target.socket_url, proxy=None, max_size=MAX_MESSAGE_BYTES, compression=None, open_timeout=PATIENCE_S)
