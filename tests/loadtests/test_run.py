"""Whole runs. Locust patches the process that it is imported into, so each is a process of its own."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from tests.loadtests.wire import joined_message, question_fields

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("LIVETRIAL_")}


async def run(*arguments: str) -> tuple[int | None, str]:
    """Exit status and everything printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "loadtests.run",
        *arguments,
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_members_vote_and_viewers_receive_on_a_real_server(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    # The run ends only after each member's first vote and each viewer's first packet, however slow the machine.
    status, output = await run(
        "--own-server", "--members", "5", "--viewers", "1", "--seconds", "1", "--json", str(file)
    )
    assert status == 0, output
    report = json.loads(file.read_bytes())
    rows = {row["what"]: row for row in report["rows"]}
    assert rows["join"]["count"] == rows["member ready"]["count"] == 5
    assert rows["vote acknowledged"]["count"] >= 5
    assert rows["vote seen"]["count"] == rows["vote acknowledged"]["count"]
    assert rows["events received in order"]["count"] > 0
    assert rows["events received in order"]["failed"] == 0
    assert rows["member stayed"]["count"] == 5
    assert rows["viewer stayed"]["count"] == 1
    assert rows["media packets received"]["count"] > 0
    assert report["errors"] == report["missing"] == []
    assert "Stopped the server" in output


async def test_a_gap_and_a_lost_vote_fail_the_run() -> None:
    async with _careless_server() as url:
        status, output = await run("--host", url, "--members", "1", "--viewers", "0", "--seconds", "0")
    assert status == 1, output
    assert "event log: events after 6 came where those after 4 were due" in output
    assert "FAILED afterwards: question q has 0 votes, and 1 were acknowledged" in output


async def test_only_this_machine_is_loaded() -> None:
    status, output = await run("--host", "http://example.com")
    assert status == 2
    assert "is refused: load goes to this machine only" in output


async def test_a_server_that_was_named_must_answer() -> None:
    async with _careless_server() as url:
        pass
    status, output = await run("--host", url)
    assert status == 2
    assert f"no server answers at {url}" in output


class CarelessSession:
    """Speaks the protocol, skips an event, and forgets votes."""

    def __init__(self) -> None:
        self._seq = 4

    async def serve(self, socket: ServerConnection) -> None:
        """One member."""
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "join":
                await socket.send(json.dumps(joined_message(self._seq, question_fields("q"))))
                continue
            self._seq = max(7, self._seq + 1)
            event = {
                "kind": "voted",
                "act": "vote",
                "seq": self._seq,
                "at": 1,
                "question": "q",
                "votes": 0,
                "mine": False,
            }
            ack = {"type": "ack", "cmd": message["cmd"], "seq": self._seq, "id": "q"}
            events = {"type": "events", "after": self._seq - 1, "seq": self._seq, "events": [event]}
            await socket.send(json.dumps(events))
            await socket.send(json.dumps(ack))


@asynccontextmanager
async def _careless_server() -> AsyncIterator[str]:
    def page(connection: ServerConnection, request: Request) -> Response | None:
        return connection.respond(HTTPStatus.OK, "{}") if request.path == "/readyz" else None

    async with serve(CarelessSession().serve, "127.0.0.1", 0, process_request=page) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}"
