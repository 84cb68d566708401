"""The data directory of the embedded server, and who may work in it.

Two locks (flock) guard it, because two different things must be excluded:

- `livetrial.lock` is held by this process. Held by another: a second livetrial was started on the same directory.
- `valkey.lock` is inherited by the Valkey process, so it is held exactly as long as one is alive, whatever became of
  the process that started it. Held although we have the first lock: an orphan, which is stopped first.

The kernel releases both when their holders die, so neither can be stale, and there are never two servers on one
append-only file.
"""

import asyncio
import fcntl
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from store.errors import DataDirectoryInUse, StoreConfigurationError

logger = logging.getLogger(__name__)

SOCKET_NAME = "valkey.sock"
MAX_SOCKET_PATH_OCTETS = 107  # sun_path of unix(7) has 108, with the terminating zero
_POLL_S = 0.02


class DataDirectory:
    """A data directory claimed for this process.

    Args:
        path: is made, with its parents, readable for this user only.

    Raises:
        DataDirectoryInUse: another livetrial holds it.
        StoreConfigurationError: it cannot be made or written to.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path = path.resolve(strict=True)
            self._handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._claim = os.open(self.path / "livetrial.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            claimed = _try_lock(self._claim)
        except OSError as error:
            raise StoreConfigurationError(
                f"The data directory {path} cannot be used: {error.strerror}. "
                "Make it writable for this user, or choose another."
            ) from error
        if not claimed:
            holder = os.read(self._claim, 20).decode(errors="replace").strip() or "unknown"
            self.release()
            raise DataDirectoryInUse(
                f"The data directory {self.path} is in use by another livetrial (process {holder}). "
                "Stop that one, or give this one a data directory of its own."
            )
        os.ftruncate(self._claim, 0)
        os.pwrite(self._claim, f"{os.getpid()}\n".encode(), 0)

    @property
    def socket_path(self) -> str:
        """Where this process reaches the server's socket.

        A path longer than a socket address holds goes through this process's own handle of the directory instead.
        """
        direct = str(self.path / SOCKET_NAME)
        if len(os.fsencode(direct)) <= MAX_SOCKET_PATH_OCTETS:
            return direct
        if not Path("/proc/self/fd").is_dir():
            raise StoreConfigurationError(
                f"The path of the socket {direct} is longer than the {MAX_SOCKET_PATH_OCTETS} octets that the system "
                "allows. Choose a data directory with a shorter path."
            )
        return f"/proc/self/fd/{self._handle}/{SOCKET_NAME}"

    async def lock_for_server(self, grace_s: float) -> int:
        """Take the lock that a Valkey process is to inherit; an orphan that holds it is stopped.

        Args:
            grace_s: how long an orphan may take to end by SIGTERM, and again by SIGKILL.

        Returns:
            A file descriptor that carries the lock; the caller passes it on to the server and closes it.

        Raises:
            DataDirectoryInUse: the lock is still held afterwards.
        """
        lock = os.open(self._server_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        locked = False
        try:
            locked = await self._lock_past_orphans(lock, grace_s)
        finally:
            if not locked:
                os.close(lock)
        if not locked:
            holders = ", ".join(map(str, _processes_with_open(self._server_lock, os.getpid()))) or "not to be seen"
            raise DataDirectoryInUse(
                f"A server that this process did not start still works in {self.path} (process {holders}) and does "
                "not end. Stop it, then start again."
            )
        return lock

    def release(self) -> None:
        """Give the directory up. To be called once the server has ended."""
        os.close(self._handle)
        os.close(self._claim)

    @property
    def _server_lock(self) -> Path:
        return self.path / "valkey.lock"

    async def _lock_past_orphans(self, lock: int, grace_s: float) -> bool:
        for signum in (signal.SIGTERM, signal.SIGKILL):
            if _try_lock(lock):
                return True
            self._signal_orphans(signum)
            if await _lock_within(lock, grace_s):
                return True
        return False

    def _signal_orphans(self, signum: signal.Signals) -> None:
        """Signal the Valkey processes (a server, or its child that rewrites the file) that carry our lock."""
        for pid in _processes_with_open(self._server_lock, os.getpid()):
            with suppress(OSError):
                if Path(os.readlink(f"/proc/{pid}/exe")).name.startswith("valkey-server"):
                    logger.warning("stopping orphaned Valkey, process %d, by %s", pid, signum.name)
                    os.kill(pid, signum)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _lock_within(fd: int, seconds: float) -> bool:
    """Poll: a blocking flock cannot be cancelled."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not _try_lock(fd):
        if asyncio.get_running_loop().time() >= deadline:
            return False
        await asyncio.sleep(_POLL_S)
    return True


def _processes_with_open(file: Path, but: int) -> Iterator[int]:
    """Processes other than `but` that have `file` open, as far as this user may see; none where there is no /proc.

    Surer than a process id from a file: an id may have been given to somebody else, an open file may not.
    """
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) == but:
            continue
        with suppress(OSError):
            if any(_link_is(handle, file) for handle in (process / "fd").iterdir()):
                yield int(process.name)


def _link_is(handle: Path, file: Path) -> bool:
    try:
        return os.readlink(handle) == str(file)
    except OSError:
        return False
