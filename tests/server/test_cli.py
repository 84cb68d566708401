"""The command line, as an operator uses it."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import httpx
from typer.testing import CliRunner

from server.cli import app
from server.config import Settings
from server.tokens import Tokens
from tests.server.ws_client import Client

COMMAND = [sys.executable, "-c", "from server.cli import main; main()"]


def test_token(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["token", "demo", "--role", "host", "--person", "p1", "--data-dir", str(tmp_path)])
    assert result.exit_code == 0, result.output
    secret = Settings(data_dir=tmp_path).secret_value()
    claims = Tokens(secret, lifetime_s=60).verify(result.output.strip(), "demo")
    assert (claims.role, claims.sub) == ("host", "p1")


def test_a_token_that_would_not_be_taken_is_not_printed(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["token", "demo", "--person", "no spaces", "--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "person" in result.output or "sub" in result.output


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", "--data-dir", str(tmp_path)], env={"LIVETRIAL_HTTP_PORT": "many"})
    assert result.exit_code == 2
    assert "LIVETRIAL_HTTP_PORT" in result.output


def test_check_says_what_is_amiss(tmp_path: Path) -> None:
    web = tmp_path / "web"
    web.mkdir()
    flags = ["check", "--data-dir", str(tmp_path / "data")]
    missing = CliRunner().invoke(app, flags, env={"LIVETRIAL_WEB_DIR": str(web)})
    assert missing.exit_code == 1
    assert "no built pages" in missing.output
    assert "keeps what is acknowledged" in missing.output
    (web / "member.html").write_text("")
    assert CliRunner().invoke(app, flags, env={"LIVETRIAL_WEB_DIR": str(web)}).exit_code == 0


async def run_server(data_dir: Path, *more: str) -> tuple[asyncio.subprocess.Process, str]:
    """A server process of its own, with the embedded store; returns the address that it prints."""
    flags = ["serve", "--http-port", "0", "--media-port", "0", "--no-demo", "--data-dir", str(data_dir), *more]
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *flags, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    assert process.stdout
    async with asyncio.timeout(60):
        while b"ready at" not in (line := await process.stdout.readline()):
            assert line, "the server ended"
    return process, line.split()[-1].decode().replace("localhost", "127.0.0.1")


async def test_stop_and_kill_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    key = Settings(data_dir=tmp_path).api_key_value()
    acknowledged: list[str] = []
    for ending in (signal.SIGINT, signal.SIGKILL, signal.SIGTERM):
        process, base = await run_server(tmp_path)
        async with httpx.AsyncClient(base_url=base, headers={"X-API-Key": key}, trust_env=False) as http:
            made = await http.post("/api/v1/sessions", json={"id": "kept", "title": "T"})
        async with Client.connected(base.replace("http", "ws") + "/ws") as client:
            _, joined = await client.join(session="kept", token=made.json()["tokens"]["member"])
            assert [question["id"] for question in joined["snapshot"]["questions"]] == acknowledged
            for number in range(5):
                ack = await client.command("ask", cmd=f"c{number}", text=f"question {number}")
                acknowledged.append(ack["id"])
            process.send_signal(ending)
            assert await client.closed() == (None if ending == signal.SIGKILL else 1012)
        async with asyncio.timeout(30):
            assert await process.wait() == (-signal.SIGKILL if ending == signal.SIGKILL else 0)


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    process, base = await run_server(tmp_path / "one")
    port = base.rpartition(":")[2]
    second = await asyncio.create_subprocess_exec(
        *COMMAND, "serve", "--http-port", port, "--no-demo", "--data-dir", str(tmp_path / "two"),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await second.communicate()
    assert second.returncode == 1
    assert f"the HTTP port {port} cannot be used" in said.decode()
    process.terminate()
    assert await process.wait() == 0


async def test_the_api_key_can_be_given_as_a_flag(tmp_path: Path) -> None:
    process, base = await run_server(tmp_path, "--api-key", "from-the-flag")
    try:
        async with httpx.AsyncClient(base_url=base) as http:
            statuses = [
                (await http.post("/api/v1/sessions", json={"title": "T"}, headers={"X-API-Key": key})).status_code
                for key in ("another", "from-the-flag")
            ]
    finally:
        process.send_signal(signal.SIGINT)
        await process.wait()
    assert statuses == [401, 201]
    assert not (tmp_path / "api_key").exists()
