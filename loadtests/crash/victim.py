"""A server that is killed: started by forking a process that has loaded its code already, which takes a tenth of the time."""

import asyncio
import multiprocessing
import os
import signal
import sys
from contextlib import suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from loadtests.process_cpu import children
from store.data_directory import SOCKET_NAME

API_KEY = "crash"
READY_TIMEOUT_S = 60.0
_context = multiprocessing.get_context("forkserver")


class Victim:
    """A whole server with its Valkey, on a data directory that outlives it.

    Args:
        folder: for the data directory and the log.
        port: where it listens for HTTP.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.data_dir = folder / "data"
        self._log = folder / "server.log"
        self._process: ForkServerProcess | None = None
        _context.set_forkserver_preload(["server.cli"])

    @property
    def store_url(self) -> str:
        """Of its Valkey."""
        return f"unix://{self.data_dir / SOCKET_NAME}"

    async def start(self) -> None:
        """Start it and wait until its port takes connections. Raises `RuntimeError` when it does not come up."""
        self._process = _context.Process(
            target=_serve, args=(str(self.data_dir), self.port, str(self._log)), daemon=True
        )
        self._process.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_TIMEOUT_S):
                while self._process.is_alive():
                    try:
                        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    except OSError:
                        await asyncio.sleep(0.02)
                        continue
                    writer.close()
                    return
        raise RuntimeError("the server did not start:\n" + self._log.read_text(errors="replace")[-2000:])

    async def kill(self, *, server: bool, store: bool) -> None:
        """kill -9 the server, its Valkey, or both, in this moment; waits until a killed server is gone."""
        assert self._process is not None
        assert self._process.pid is not None
        valkey = children(self._process.pid)
        if server:
            os.kill(self._process.pid, signal.SIGKILL)
        if store:
            for pid in valkey:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if server:
            await asyncio.to_thread(self._process.join)


def _serve(data_dir: str, port: int, log: str) -> None:
    """The server's `main`, in a process of its own."""
    from server.cli import main  # loaded already, by the process that this one was forked from

    with open(log, "ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    for name in [name for name in os.environ if name.startswith("LIVETRIAL_")]:
        del os.environ[name]
    os.environ["LIVETRIAL_API_KEY"] = API_KEY
    host, ports = "127.0.0.1", ("--http-port", str(port), "--media-port", "0", "--data-dir", data_dir)
    sys.argv = ["livetrial", "serve", "--no-demo", "--http-host", host, "--media-host", host, *ports]
    main()
