"""Members who are there, vote and tap, and what came of it."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from loadtests.bench_queue.arrivals import Arrivals, percentile
from loadtests.bench_queue.light_socket import LastMessage, LightSocket, Seen
from signaling import VERSION
from signaling.commands import Unvote, Vote
from signaling.messages import Join, React

JOINS_AT_ONCE = 64
STEP_S = 0.01
_encode = msgspec.json.Encoder().encode


@dataclass
class Outcome:
    """What one run showed; times in seconds."""

    acks: list[float]
    shown: list[float]
    unacknowledged: int
    not_shown: int
    refused: dict[str, int]
    lost: int
    octets_per_member_s: float
    messages_per_member_s: float


@dataclass
class _Vote:
    sent: float
    acked: float | None = None
    seq: int = 0


@dataclass
class Audience:
    """Sockets of one session.

    Args:
        address: host and port of the server.
        session: its id; open.
        questions: to vote for.
    """

    address: tuple[str, int]
    session: str
    questions: list[str]
    sockets: list[LightSocket] = field(default_factory=list)
    _votes: dict[str, _Vote] = field(default_factory=dict)
    _refused: dict[str, int] = field(default_factory=dict)
    _arrivals: Arrivals = field(default_factory=lambda: Arrivals(0))
    _messages: int = 0

    def __post_init__(self) -> None:
        self._next_vote, self._next_tap = self._vote_stream(), self._tap_stream()

    async def join(self, members: int) -> None:
        """Let members in. Raises `ConnectionError` where one is not admitted."""
        last, slots = LastMessage(), asyncio.Semaphore(JOINS_AT_ONCE)

        async def one(number: int) -> None:
            join = _encode(Join(v=VERSION, session=self.session, name=f"Member {number}"))
            async with slots:
                _, socket = await asyncio.get_running_loop().create_connection(
                    lambda: LightSocket(self.address[0], join, last, self._on_message), *self.address
                )
                await socket.joined
                self.sockets.append(socket)

        await asyncio.gather(*(one(number) for number in range(members)))
        self._arrivals = Arrivals(members)

    async def act(self, *, seconds: float, votes_per_s: float, reactions_per_s: float) -> None:
        """Vote (each person changing its mind in turn) and tap, each member as often as any other."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        sent_votes = sent_taps = 0
        while (elapsed := loop.time() - start) < seconds:
            while sent_votes < elapsed * votes_per_s:
                sent_votes += 1
                next(self._next_vote)
            while sent_taps < elapsed * reactions_per_s:
                sent_taps += 1
                next(self._next_tap)
            await asyncio.sleep(STEP_S)

    def forget(self) -> None:
        """Begin to measure anew; what was sent before is of no interest."""
        self._votes.clear()
        self._refused.clear()
        self._arrivals = Arrivals(len(self.sockets))
        self._messages = 0
        for socket in self.sockets:
            socket.octets = 0

    async def settle(self) -> None:
        """Wait, for some seconds at most, until all votes are acknowledged and shown."""
        for _ in range(100):
            votes = self._votes.values()
            done = all(vote.acked is not None for vote in votes)
            if done and None not in self._arrivals.shown_at([vote.seq for vote in votes]):
                return
            await asyncio.sleep(0.1)

    def outcome(self, seconds: float) -> Outcome:
        """What was measured since `forget`, `seconds` ago."""
        acked = [vote for vote in self._votes.values() if vote.acked is not None]
        shown = self._arrivals.shown_at([vote.seq for vote in acked])
        return Outcome(
            acks=[vote.acked - vote.sent for vote in acked if vote.acked is not None],
            shown=[at - vote.sent for vote, at in zip(acked, shown, strict=True) if at is not None],
            unacknowledged=len(self._votes) - len(acked),
            not_shown=shown.count(None),
            refused=self._refused,
            lost=sum(socket.ended.done() for socket in self.sockets),
            octets_per_member_s=sum(socket.octets for socket in self.sockets) / len(self.sockets) / seconds,
            messages_per_member_s=self._messages / len(self.sockets) / seconds,
        )

    async def leave(self) -> None:
        """Close all sockets."""
        for socket in self.sockets:
            socket.close()
        await asyncio.wait([socket.ended for socket in self.sockets])

    def _vote_stream(self) -> Iterator[None]:
        """Each `next` sends a vote. All members vote in turn, then take their votes back, then vote for another question."""
        for turn in itertools.count():
            kind = Unvote if turn % 2 else Vote
            for number, socket in enumerate(self.sockets):
                cmd, question = f"v{turn}-{number}", self.questions[(number + turn // 2) % len(self.questions)]
                self._votes[cmd] = _Vote(asyncio.get_running_loop().time())
                socket.send(_encode(kind(cmd=cmd, question=question)))
                yield

    def _tap_stream(self) -> Iterator[None]:
        """Each `next` sends a reaction."""
        tap = _encode(React(reaction="heart"))
        for socket in itertools.cycle(self.sockets):
            socket.send(tap)
            yield

    def _on_message(self, socket: LightSocket, seen: Seen) -> None:
        self._messages += 1
        if seen.type == "events":
            self._arrivals.saw(seen.seq, asyncio.get_running_loop().time())
        elif seen.type == "ack" and (vote := self._votes.get(seen.cmd or "")):
            vote.acked, vote.seq = asyncio.get_running_loop().time(), seen.seq
        elif seen.type == "error":
            code = seen.code or "?"
            self._refused[code] = self._refused.get(code, 0) + 1


def milliseconds(values: list[float], share: float) -> float:
    """A percentile of times in seconds, in ms."""
    return round(percentile(values, share) * 1000, 1)
