"""The command line: `livetrial serve`, `livetrial token`, `livetrial check`, `livetrial joins`."""

import logging
import sys
from enum import Enum, StrEnum
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
import uvloop
from pydantic import ValidationError

from server import join_times
from server.checks import check as run_checks
from server.config import Settings
from server.garbage import collect_rarely
from server.node import Node
from server.run import demo_links, serve, stop_on_signals
from server.tokens import Tokens
from signaling.errors import SignalingError
from store.errors import StoreError

app = typer.Typer(help="Live sessions: WebRTC forwarding, a live queue, and the pages.", no_args_is_help=True)

DataDir = Annotated[Path | None, typer.Option(help="Where the session log, the keys and the demo's picture live.")]
RedisUrl = Annotated[str | None, typer.Option(help="A Redis or Valkey server instead of the embedded one.")]


class LogLevel(StrEnum):
    """How much is logged."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


class Role(StrEnum):
    """What a token's holder may do."""

    host = "host"
    moderator = "moderator"
    member = "member"


def main() -> None:
    """Entry point of the command `livetrial`."""
    app()


@app.command("serve")
def serve_command(
    http_host: Annotated[str | None, typer.Option(help="Address of the HTTP port. [0.0.0.0]")] = None,
    http_port: Annotated[int | None, typer.Option(help="HTTP and WebSocket port. [8080]")] = None,
    public_url: Annotated[str | None, typer.Option(help="Where people reach the HTTP port, for links.")] = None,
    media_host: Annotated[str | None, typer.Option(help="Address of the media port. [0.0.0.0]")] = None,
    media_port: Annotated[int | None, typer.Option(help="Port of all media, UDP and TCP. [8081]")] = None,
    workers: Annotated[int | None, typer.Option(help="Threads that forward media. [1]")] = None,
    announced: Annotated[
        str | None, typer.Option(help="IP addresses told to clients, comma-separated, each with :port if another.")
    ] = None,
    data_dir: DataDir = None,
    web_dir: Annotated[Path | None, typer.Option(help="The built pages. [web_client/dist]")] = None,
    redis_url: RedisUrl = None,
    api_key: Annotated[
        str | None, typer.Option(help="Key of the API; LIVETRIAL_API_KEY is not seen in the process list. [data dir's]")
    ] = None,
    demo: Annotated[bool | None, typer.Option(help="Run the demo session with a synthetic host. [yes]")] = None,
    max_members: Annotated[int | None, typer.Option(help="WebSockets that are taken. [10000]")] = None,
    log_level: Annotated[LogLevel | None, typer.Option(help="How much is logged. [info]")] = None,
) -> None:
    """Run the server until Ctrl-C. Every flag is a variable too: LIVETRIAL_HTTP_PORT and so on."""
    settings = _settings(locals())
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("httpx", "httpcore", "aioice", "aiortc", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)

    async def run() -> None:
        await serve(settings, on_ready=_on_ready, stop=stop_on_signals())

    try:
        uvloop.run(run())
    except (OSError, StoreError) as error:
        _fail(str(error))


@app.command()
def token(
    session: Annotated[str, typer.Argument(help="The session's id.")],
    role: Annotated[Role, typer.Option(help="What its holder may do.")] = Role.member,
    person: Annotated[str | None, typer.Option(help="Id of the person; without it the token is a join link.")] = None,
    name: Annotated[str | None, typer.Option(help="Name shown to others.")] = None,
    lifetime_s: Annotated[int | None, typer.Option(min=60, help="Lifetime in seconds. [30 days]")] = None,
    data_dir: DataDir = None,
) -> None:
    """Print a token for a session, signed with the secret of the data directory."""
    settings = _settings({"data_dir": data_dir})
    tokens = Tokens(settings.secret_value(), lifetime_s=settings.token_lifetime_s)
    minted = tokens.mint(session, role.value, person=person, name=name, lifetime_s=lifetime_s)
    try:
        tokens.verify(minted, session)
    except SignalingError as error:
        _fail(error.message)
    typer.echo(minted)


@app.command()
def check(data_dir: DataDir = None, redis_url: RedisUrl = None) -> None:
    """Look at the settings and the store, and say in plain words what is amiss."""
    settings = _settings({"data_dir": data_dir, "redis_url": redis_url})
    findings = uvloop.run(run_checks(settings))
    for finding in findings:
        typer.echo(f"{'ok     ' if finding.good else 'AMISS  '} {finding.text}")
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


@app.command()
def joins(
    url: Annotated[str, typer.Argument(help="Where a node's HTTP port is reached.")] = "http://localhost:8080",
) -> None:
    """Say how long joins of a running node took, stage by stage."""
    try:
        response = httpx.get(f"{url.rstrip('/')}/metrics", timeout=10)
        response.raise_for_status()
    except httpx.HTTPError as error:
        _fail(f"no metrics from {url}: {error}")
    found = join_times.rows(response.text)
    typer.echo(join_times.table(found) if found else "Nobody has joined yet.")


def _settings(given: dict[str, Any]) -> Settings:
    """Settings from the flags that were given, and from the environment."""
    flags = {
        name: value.value if isinstance(value, Enum) else value for name, value in given.items() if value is not None
    }
    try:
        return Settings(**flags)
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"][:1])
            typer.echo(f"LIVETRIAL_{name.upper()} (--{name.replace('_', '-')}): {problem['msg']}", err=True)
        raise typer.Exit(2) from None


def _on_ready(node: Node, port: int) -> None:
    collect_rarely()
    _say_ready(node, port)


def _say_ready(node: Node, port: int) -> None:
    base = node.settings.public_url or f"http://localhost:{port}"
    lines = [
        f"livetrial is ready at {base}",
        f"  media: {node.settings.media_protocols()} port {node.media.port}",
        f"  API:   {base}/docs",
    ]
    if node.settings.demo:
        links = demo_links(node, base)
        lines += [f"  demo, as a member: {links['member']}", f"  demo, as the host: {links['host']}"]
    for warning in node.store.durability.warnings:
        lines.append(f"  WARNING: {warning}")
    typer.echo("\n".join([*lines, "Stop with Ctrl-C; data stay in " + str(node.settings.data_dir)]))
    sys.stdout.flush()


def _fail(text: str) -> None:
    typer.echo(f"livetrial: {text}", err=True)
    raise typer.Exit(1)
