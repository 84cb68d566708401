"""Two DTLS transports on a pipe that loses, with a clock that moves only when nothing else can."""

import asyncio
from collections.abc import Callable

from media.dtls import NodeCertificate, PlaneDtlsTransport, SrtpKeys, Timing
from media.negotiation import DtlsRole
from tests.media.timers import Timers

Lose = Callable[[str, int], bool]
"""Whether the nth datagram (from 0) of a side, `client` or `server`, is lost."""


class Heard:
    """What one side was told, as futures."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.keys: asyncio.Future[SrtpKeys] = loop.create_future()
        self.finished: asyncio.Future[None] = loop.create_future()
        self.left: asyncio.Future[None] = loop.create_future()
        self.failed: asyncio.Future[str] = loop.create_future()

    def on_keys(self, keys: SrtpKeys) -> None:
        self.keys.set_result(keys)

    def on_finished(self) -> None:
        self.finished.set_result(None)

    def on_left(self) -> None:
        self.left.set_result(None)

    def on_failed(self, reason: str) -> None:
        self.failed.set_result(reason)


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
        self.heard = {"client": Heard(), "server": Heard()}

        def side(role: DtlsRole) -> PlaneDtlsTransport:
            return PlaneDtlsTransport(
                self._way(role),
                self.certificate,
                role,
                both_profiles=role == "server",
                hears=self.heard[role],
                timing=timing,
            )

        self.client, self.server = side("client"), side("server")
        self._sides = {"client": self.client, "server": self.server}

    def begin(self) -> None:
        """Both begin."""
        self.server.begin()
        self.client.begin()

    @property
    def fingerprints(self) -> tuple[tuple[str, str], ...]:
        return (("sha-256", self.certificate.sha256),)

    async def until(self, done: "asyncio.Future[object]") -> float:
        """Move the clock from timer to timer until `done`; returns its time in seconds."""
        async with asyncio.timeout(30):
            while not done.done():
                await asyncio.sleep(0)  # whoever waits for what has happened comes first
                if not done.done():
                    due = min(timer.due for timer in self.timers.timers if timer.callback is not None)
                    self.timers.move(max(0.0, due - self.timers.now))
        return self.timers.now

    def _way(self, side: str) -> Callable[[bytes], None]:
        other = "server" if side == "client" else "client"

        def send(datagram: bytes) -> None:
            index = self._counts[side]
            self._counts[side] += 1
            self.sent.append((side, datagram))
            if not self._lose(side, index):
                self.timers.later(self._delay_s, lambda: self._sides[other].receive(datagram) and None)

        return send
