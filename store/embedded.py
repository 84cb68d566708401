"""The embedded server: a real Valkey as a child process, kept alive and never doubled.

- Its data live in the data directory: an append-only file, synced before every acknowledgement.
- It has a unix socket and no TCP port.
- It dies with this process (`die_with_parent.py`); an orphan is stopped at the next start (`data_directory.py`).
- When it dies alone it is started again, a bounded number of times.
"""

import asyncio
import logging
import os
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from store.data_directory import DataDirectory
from store.errors import StoreError
from store.valkey_process import ValkeyProcess

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EmbeddedConfig:
    """Bounds of the embedded server.

    `start_timeout_s`: without any answer from a starting server; loading is waited for. `stop_timeout_s`: for an
    orderly shutdown, then by force. `orphan_grace_s`: for an orphan to end by SIGTERM, and again by SIGKILL.
    At most `restarts` in `restart_window_s`, so that a server which cannot live (a full disk) is not started for ever.
    """

    start_timeout_s: float = 15.0
    stop_timeout_s: float = 10.0
    orphan_grace_s: float = 5.0
    restarts: int = 8
    restart_window_s: float = 60.0


class EmbeddedValkey:
    """A supervised server in a data directory. Made by `start`; `stop` it."""

    def __init__(self, directory: DataDirectory, config: EmbeddedConfig) -> None:
        self._directory = directory
        self._config = config
        self._budget = RestartBudget(config.restarts, config.restart_window_s)
        self._process: ValkeyProcess | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self.failure: str | None = None
        """Why the server is down for good; None while it runs or is being started again."""
        self._down = asyncio.Event()

    @classmethod
    async def start(cls, data_dir: Path, config: EmbeddedConfig | None = None) -> "EmbeddedValkey":
        """Claim the directory, start the server and wait until it answers.

        Raises:
            DataDirectoryInUse: another livetrial, or a server that cannot be stopped, works there.
            StoreConfigurationError: the directory cannot be used or the server does not start.
        """
        server = cls(DataDirectory(data_dir), config or EmbeddedConfig())
        try:
            server._process = await server._launch()
        except BaseException:
            server._directory.release()
            raise
        server._supervisor = asyncio.create_task(server._supervise(server._process), name="valkey supervisor")
        return server

    @property
    def url(self) -> str:
        """For redis-py in this process."""
        return f"unix://{quote(self._directory.socket_path)}"

    @property
    def pid(self) -> int | None:
        """Process id of the server; None while there is none."""
        return self._process.pid if self._process else None

    async def down(self) -> str:
        """Wait until the server is down for good; returns `failure`."""
        await self._down.wait()
        return self.failure or ""

    async def stop(self) -> None:
        """Shut the server down in order and give up the directory. Idempotent."""
        if self._supervisor is None:
            return
        supervisor, self._supervisor = self._supervisor, None
        supervisor.cancel()
        with suppress(asyncio.CancelledError):
            await supervisor
        if self._process:
            await self._process.shut_down(self._config.stop_timeout_s)
            self._process = None
        self._directory.release()
        self._fail("it was stopped")

    async def _launch(self) -> ValkeyProcess:
        lock = await self._directory.lock_for_server(self._config.orphan_grace_s)
        try:
            process = await ValkeyProcess.start(self._directory, lock, timeout_s=self._config.start_timeout_s)
        finally:
            os.close(lock)
        logger.info("Valkey, process %d, serves %s", process.pid, self._directory.path)
        return process

    async def _supervise(self, process: ValkeyProcess) -> None:
        """Start the server again whenever it ends, until the budget is used up."""
        while True:
            status = await process.wait()
            self._process = None
            reason = f"it ended with status {status}"
            while self._process is None:
                delay_s = self._budget.take(asyncio.get_running_loop().time())
                if delay_s is None:
                    self._fail(reason)
                    logger.critical("Valkey stays down after %d restarts: %s", self._config.restarts, reason)
                    return
                logger.error("Valkey is down: %s; starting it again in %g s", reason, delay_s)
                await asyncio.sleep(delay_s)
                try:
                    self._process = process = await self._launch()
                except StoreError as error:
                    reason = str(error)

    def _fail(self, reason: str) -> None:
        self.failure = reason
        self._down.set()


class RestartBudget:
    """At most `count` restarts within any `window_s` seconds, the first at once, then after 0.1 s, doubling."""

    def __init__(self, count: int, window_s: float) -> None:
        self._count = count
        self._window_s = window_s
        self._taken: deque[float] = deque()

    def take(self, now: float) -> float | None:
        """Take one at `now` (seconds of any monotonic clock). Returns the delay to keep, None when none is left."""
        while self._taken and self._taken[0] <= now - self._window_s:
            self._taken.popleft()
        earlier = len(self._taken)
        if earlier >= self._count:
            return None
        self._taken.append(now)
        return 0.1 * 2 ** (earlier - 1) if earlier else 0.0
