"""Runs the link's program: JSON lines to it and from it."""

import asyncio
import contextlib
import json
import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path as File
from typing import Any, Literal, Self

from loadtests.link.config import Listener, Path

CRATE = File(__file__).parent
PROGRAM = CRATE / "target" / "release" / "livetrial-link"

Direction = Literal["up", "down", "both"]


class LinkError(Exception):
    """The link refused what was asked, or has ended; the text says why."""


def build() -> None:
    """Build the program.

    Raises:
        subprocess.CalledProcessError: the build failed; cargo has said why.
    """
    subprocess.run(["cargo", "build", "--release", "--quiet", "--locked"], cwd=CRATE, check=True)


class Link:
    """A running link. `addresses` are where its listeners are reached, "ip:port" by name."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.addresses: dict[str, str] = {}

    @classmethod
    @asynccontextmanager
    async def start(
        cls, up: Path, down: Path, *, listeners: Sequence[Listener], seed: int = 0, log: File | None = None
    ) -> AsyncIterator[Self]:
        """Run a link; it ends with the context, or with this process.

        Args:
            up: from clients to the server.
            down: back.
            listeners: where clients come in.
            seed: decides all randomness.
            log: path of the packet log; None: none is kept.

        Raises:
            LinkError: a configuration does not hold, or a port is taken.
            OSError: the program has not been built.
        """
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(PROGRAM, stdin=pipe, stdout=pipe)
        link = cls(process)
        link._hurry()
        try:
            started = await link._ask(
                cmd="start",
                listeners=[asdict(listener) for listener in listeners],
                up=up.to_json(),
                down=down.to_json(),
                seed=seed,
                log=None if log is None else str(log),
            )
            link.addresses = started["addresses"]
            yield link
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()

    def _hurry(self) -> None:
        """A link that waits for a processor delays packets that it should not, and it needs little of one. Where it may not go
        first, `lateness` in its stats says what that costs."""
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(self.pid, os.SCHED_RR, os.sched_param(1))

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    async def target(self, listener: str, address: str) -> None:
        """Lead what comes to a listener to "ip:port" from now on."""
        await self._ask(cmd="target", listener=listener, address=address)

    async def set(self, direction: Direction, path: Path) -> None:
        """Another configuration; a new rate counts from now."""
        await self._ask(cmd="set", direction=direction, path=path.to_json())

    async def outage(self, direction: Direction, ms: float) -> None:
        """Lose everything for so long."""
        await self._ask(cmd="outage", direction=direction, ms=ms)

    async def stats(self) -> dict[str, Any]:
        """Counters by direction, and how late datagrams left (`lateness`); the log is complete up to here."""
        return await self._ask(cmd="stats")

    async def _ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise LinkError("the link has ended")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise LinkError(reply["error"])
        return reply
