"""A server for one load test: free ports, a temporary data directory, ended by its process id."""

import contextlib
import os
import re
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from tempfile import TemporaryDirectory
from time import monotonic

import gevent  # type: ignore[import-untyped]

from store import die_with_parent

START_TIMEOUT_S = 60.0
LIVE_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 15.0
_POLL_S = 0.2
_KEPT = Path(__file__).parents[1] / "build" / "load"

_COMMAND = ("-c", "from server.cli import main; main()", "serve", "--demo")
_BOUNDS = ("--http-host", "127.0.0.1", "--http-port", "0", "--media-host", "127.0.0.1", "--media-port", "0")


class ServerFailed(Exception):
    """The server did not start; the text has its last words."""


@contextlib.contextmanager
def own_server() -> Iterator[str]:
    """Start a server, wait until its demo is live, and yield its URL.

    Raises:
        ServerFailed: it did not come up.
    """
    with TemporaryDirectory(prefix="livetrial-load-") as folder, (Path(folder) / "server.log").open("w+b") as log:
        # The settings of the environment are for the server that people use, not for this one.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LIVETRIAL_")}
        _copy_demo(_KEPT, Path(folder, "data"))
        arguments = [*_COMMAND, *_BOUNDS, "--data-dir", f"{folder}/data"]
        process = Popen(
            [sys.executable, die_with_parent.__file__, str(os.getpid()), sys.executable, *arguments],
            stdout=PIPE,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
        try:
            url = _url(process, log.name)
            print(f"Started a server at {url}, process {process.pid}, with a temporary data directory.")
            _wait_until_live(url)
            _copy_demo(Path(folder, "data"), _KEPT)
            yield url
        finally:
            _stop(process)
            print(f"Stopped the server, process {process.pid}.")


def _url(process: "Popen[bytes]", log: str) -> str:
    """Read what the server prints until it says where it is ready."""
    assert process.stdout is not None
    with gevent.Timeout(START_TIMEOUT_S, False):
        for line in process.stdout:
            if found := re.search(rb"ready at (http://\S+)", line):
                return found[1].decode()
    last_words = "\n  ".join(Path(log).read_text(errors="replace").splitlines()[-8:])
    raise ServerFailed(f"the server did not start; its last words:\n  {last_words}")


def _wait_until_live(url: str) -> None:
    """The demo's picture is encoded at the first start of a data directory, which takes some seconds."""
    deadline = monotonic() + LIVE_TIMEOUT_S
    while monotonic() < deadline:
        if re.search(rb"^livetrial_publications [1-9]", get(f"{url}/metrics"), re.MULTILINE):
            return
        gevent.sleep(_POLL_S)
    raise ServerFailed(f"the demo was not live within {LIVE_TIMEOUT_S:g} s")


def get(url: str) -> bytes:
    """The body of a page of a server on this machine; raises `OSError`, which `urllib.error.HTTPError` is too."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5.0) as response:
        body: bytes = response.read()
    return body


def _copy_demo(source: Path, destination: Path) -> None:
    """Spare the next server the encoding; a file that this version cannot use is not even looked at."""
    destination.mkdir(parents=True, exist_ok=True)
    for file in source.glob("demo-*.msgpack"):
        unfinished = destination / f"{file.name}.{os.getpid()}"
        shutil.copyfile(file, unfinished)
        unfinished.replace(destination / file.name)


def _stop(process: "Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except TimeoutExpired:
        process.kill()
        process.wait()
