"""One case: server, host, link and members together, and all that was noted meanwhile."""

import asyncio
import json
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from loadtests.link import packet_log
from loadtests.link.config import Listener, Steps, Trace
from loadtests.link.config import Path as Direction
from loadtests.link.control import Link
from loadtests.live_server import Server
from loadtests.weak import cross, media, svc
from loadtests.weak.cases import Case, Flow
from loadtests.weak.host import Host
from loadtests.weak.members import Members
from server.config import own_addresses

SETTLE_S = 2.0
"""From the first pictures to the beginning of a case."""

OPENING_S = 1.5
"""What a page takes to load; a member who comes later opens so long before."""


@dataclass
class Take:
    """What one run of a case brought. Times are ns of the monotonic clock.

    Attributes:
        began, ended: of the case itself, after the joins.
        pages: by member what its page noted, at unix ms; `unix_less_monotonic_ms` brings both clocks together.
        plane: samples of the plane's snapshot.
        log: the link's packets.
        late: how late the link was, in µs; above a few ms the machine was too busy for the figures to count. `stalls` are
            the times in which it, or the host, was late by more than a few packets: `at_ns` and `late_ns`.
    """

    case: Case
    seed: int
    began: int = 0
    ended: int = 0
    pages: list[dict[str, Any]] = field(default_factory=list)
    unix_less_monotonic_ms: float = 0.0
    plane: list[dict[str, Any]] = field(default_factory=list)
    log: npt.NDArray[np.void] = field(default_factory=lambda: np.empty(0, packet_log.RECORD))
    late: dict[str, Any] = field(default_factory=dict)
    keyframes: int = 0


async def run(case: Case, seed: int) -> Take:
    """Run a case.

    Raises:
        RuntimeError: server or browser did not do what they must; the text says which.
    """
    take = Take(case, seed)
    loop = await media.load()
    layered = await svc.load() if case.svc else None
    with tempfile.TemporaryDirectory(prefix="livetrial-weak-") as folder:
        log, sampled = Path(folder, "packets.log"), Path(folder, "plane.jsonl")
        async with AsyncExitStack() as stack:
            stage = await Stage.build(stack, case, seed, log, sampled, loop, layered)
            await stage.play(take)
            take.late = (await stage.link.stats())["lateness"]
            take.late["stalls"] += stage.host.stalls
        await asyncio.to_thread(_read, take, log, sampled)
    return take


def _read(take: Take, log: Path, sampled: Path) -> None:
    # The server may have been ended in the middle of a line.
    take.plane = [json.loads(line) for line in sampled.read_text().splitlines() if line.endswith("}")]
    take.log = packet_log.read(log).copy()


@dataclass
class Stage:
    """Everything that runs while a case is played."""

    case: Case
    seed: int
    link: Link
    host: Host
    members: Members
    url: str
    told: str
    tcp: list[asyncio.Task[None]]

    @classmethod
    async def build(
        cls,
        stack: AsyncExitStack,
        case: Case,
        seed: int,
        log: Path,
        sampled: Path,
        loop: media.Loop,
        layered: svc.SvcLoop | None,
    ) -> "Stage":
        """Start it all; `stack` ends it."""
        # A page without a camera gets no loopback candidates in Firefox, so the link listens elsewhere.
        bind = f"{next(address for address in reversed(own_addresses()) if ':' not in address)}:0"
        listeners = [
            Listener(_name(number), udp=True, bind=bind, delay_ms=flow.delay_ms)
            for number, flow in enumerate(case.flows)
        ]
        tcp = await stack.enter_async_context(cross.source())
        listeners.append(Listener("tcp", tcp=True, target=tcp))
        link = await stack.enter_async_context(
            Link.start(_harmless(case.up), _harmless(case.down), listeners=listeners, seed=seed, log=log)
        )
        told = link.addresses[_name(0)]
        server = await stack.enter_async_context(
            Server.start(
                announced=told,
                program=("-m", "loadtests.weak.sampled_server", str(sampled)),
                settings={"LIVETRIAL_ADAPTATION": "true", "LIVETRIAL_MEDIA_TCP": "false"},
            )
        )
        for number in range(len(case.flows)):
            await link.target(_name(number), f"127.0.0.1:{server.media_port}")
        made = await server.session()
        host = await stack.enter_async_context(
            Host.live(
                f"{server.url}/whip/{made['id']}",
                made["tokens"]["host"],
                ("127.0.0.1", server.media_port),
                loop,
                red=case.red,
                svc=layered,
            )
        )
        members = await stack.enter_async_context(Members.start(case.browser))
        return cls(case, seed, link, host, members, made["links"]["member"], told, [])

    async def play(self, take: Take) -> None:
        """Let the first members come, then let the case's time pass."""
        flows = self.case.flows
        for number, flow in enumerate(flows):
            if flow.start_s == 0:
                await self._open(number)
                await self.members.until_playing(_name(number))
        await asyncio.sleep(SETTLE_S)
        await self.link.set("up", self.case.up)
        await self.link.set("down", self.case.down)
        take.began = time.monotonic_ns()
        take.unix_less_monotonic_ms = time.time() * 1e3 - time.monotonic() * 1e3
        address = self.link.addresses["tcp"]
        self.tcp = [asyncio.create_task(cross.long(address)) for _ in range(self.case.long_tcp)]
        self.tcp += [asyncio.create_task(cross.short(address, self.seed * 100 + n)) for n in range(self.case.short_tcp)]
        try:
            away = await asyncio.gather(
                self._pass_time(), *(self._attend(number, flow) for number, flow in enumerate(flows))
            )
        finally:
            for task in self.tcp:
                task.cancel()
            await asyncio.gather(*self.tcp, return_exceptions=True)
        take.ended = time.monotonic_ns()
        take.keyframes = self.host.keyframes
        for number, before in enumerate(away[1:]):
            page = await self.members.samples(_name(number))
            take.pages.append({name: (before or {}).get(name, []) + page[name] for name in page})

    async def _pass_time(self) -> None:
        began = asyncio.get_running_loop().time()
        for at_s, ms in self.case.outages:
            await _until(began + at_s)
            await self.link.outage("both", ms)
        await _until(began + self.case.seconds)

    async def _attend(self, number: int, flow: Flow) -> dict[str, Any] | None:
        """Come late, or leave for a while; what was noted before leaving."""
        began = asyncio.get_running_loop().time()
        if flow.start_s > 0:
            await _until(began + flow.start_s - OPENING_S)
            await self._open(number)
        if flow.away_s is None:
            return None
        await _until(began + flow.away_s[0])
        noted = await self.members.close(_name(number))
        await _until(began + flow.away_s[1] - OPENING_S)
        await self._open(number)
        return noted

    async def _open(self, number: int) -> None:
        name = _name(number)
        await self.members.open(name, self.url, told=self.told, used=self.link.addresses[name])


def _name(number: int) -> str:
    return f"member-{number}"


def _harmless(path: Direction) -> Direction:
    """As at the beginning, but nothing is lost: so that everybody comes in."""
    rate = path.rate
    if isinstance(rate, Steps):
        rate = rate.steps[0][1]
    elif isinstance(rate, Trace):
        rate = rate_series(rate)[0][1]
    return replace(path, rate=rate, loss=0.0, bursts=None, reorder=None, duplicate=0.0, policer=None)


def rate_series(rate: float | Steps | Trace | None) -> list[tuple[float, float]]:
    """(seconds, bit/s) of a rate, once through."""
    if isinstance(rate, Steps):
        return list(rate.steps)
    if isinstance(rate, Trace):
        text = Path(Direction(rate=rate).to_json()["rate"]["trace"]).read_text()
        pairs = [tuple(map(float, line.split())) for line in text.splitlines() if line.strip()]
        return [(at, mbit * 1e6) for at, mbit in pairs]
    return [(0.0, rate or float("inf"))]


async def _until(moment: float) -> None:
    await asyncio.sleep(moment - asyncio.get_running_loop().time())
