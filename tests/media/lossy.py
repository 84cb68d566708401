"""Two DTLS transports on a pipe that loses, with a clock that moves only when nothing else can."""

import asyncio
from collections.abc import Callable

from media.dtls import DatagramPipe, NodeCertificate, PlaneDtlsTransport, Timing
from tests.media.timers import Timers

Lose = Callable[[str, int], bool]
"""Whether the nth datagram (from 0) of a side, `client` or `server`, is lost."""


class LossyPair:
    """A client and a server, each way `delay_s` long in virtual time.

    `sent` tells who sent what, in order: lost datagrams too.
    """

    def __init__(self, lose: Lose = lambda side, index: False, *, delay_s: float = 0.01) -> None:
        self.timers = Timers()
        self.certificate = NodeCertificate.generateCertificate()
        self.sent: list[tuple[str, bytes]] = []
        self._lose = lose
        self._delay_s = delay_s
        self._counts = {"client": 0, "server": 0}
        timing = Timing(lambda: self.timers.now, self.timers.later)
        self._pipes = {side: DatagramPipe(self._way(side), side) for side in ("client", "server")}
        self.client = PlaneDtlsTransport(
            self._pipes["client"], self.certificate, "client", both_profiles=False, timing=timing
        )
        self.server = PlaneDtlsTransport(
            self._pipes["server"], self.certificate, "server", both_profiles=True, timing=timing
        )

    @property
    def fingerprints(self) -> tuple[tuple[str, str], ...]:
        return (("sha-256", self.certificate.sha256),)

    async def until(self, done: "asyncio.Future[object]") -> float:
        """Move the clock from timer to timer until `done`; returns its time in seconds."""
        async with asyncio.timeout(30):
            while not done.done():
                await self._settled()
                if not done.done():
                    due = min(timer.due for timer in self.timers.timers if timer.callback is not None)
                    self.timers.move(max(0.0, due - self.timers.now))
        return self.timers.now

    async def _settled(self) -> None:
        """Let all that can run now do so: the tasks involved hand over a few times for each datagram."""
        for _ in range(50):
            await asyncio.sleep(0)

    def _way(self, side: str) -> Callable[[bytes], None]:
        other = "server" if side == "client" else "client"

        def send(datagram: bytes) -> None:
            index = self._counts[side]
            self._counts[side] += 1
            self.sent.append((side, datagram))
            if not self._lose(side, index):
                self.timers.later(self._delay_s, lambda: self._pipes[other].feed(datagram) and None)

        return send
