"""`python -m loadtests.run`: members and viewers on a server of this machine, for some seconds, and one table.

Without a server on the default port it starts one of its own and stops it at the end. The exit status is 0 when nothing
failed, 1 when something did, 2 when the load could not be put on.
"""

import argparse
import contextlib
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import gevent  # type: ignore[import-untyped]
import msgspec
from gevent.event import Event  # type: ignore[import-untyped]
from locust.env import Environment
from websockets.exceptions import WebSocketException

from loadtests import reporter
from loadtests.member_socket import MemberSocket, Refused, Unanswered
from loadtests.members import MemberUser
from loadtests.own_server import ServerFailed, get, own_server
from loadtests.report import Report, summarize, table
from loadtests.target import DEFAULT_SESSION, PATIENCE_S, BadTarget, Target
from loadtests.totals import totals
from loadtests.viewers import Fleet, ViewerUser

DEFAULT_HOST = "http://localhost:8080"
USERS_PER_S = 25.0
STOP_TIMEOUT_S = 30.0
READY_TIMEOUT_S = 180.0
"""More than the sum of what a user waits for; the users' own timeouts come first."""

_RETRY_S = 0.1
_FAILED, _NOT_RUN = 1, 2


def main() -> int:
    """Run by the flags of the command line; returns the exit status."""
    options = _options()
    try:
        with _server(options.host, own=options.own_server) as target:
            print(
                f"{options.members} members and {options.viewers} viewers in session {target.session} at {target.url}"
            )
            report = run(target, members=options.members, viewers=options.viewers, seconds=options.seconds)
    except (BadTarget, ServerFailed, OSError) as error:
        print(f"loadtests: {error}", file=sys.stderr)
        return _NOT_RUN
    except KeyboardInterrupt:
        return _NOT_RUN
    print(table(report))
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    return _FAILED if report.failed else 0


def run(target: Target, *, members: int, viewers: int, seconds: float) -> Report:
    """Put the load on, for `seconds` from the moment when each member has voted and each viewer has a packet."""
    counts = {MemberUser: members, ViewerUser: viewers}
    environment = Environment(
        user_classes=[user for user, count in counts.items() if count], host=target.url, stop_timeout=STOP_TIMEOUT_S
    )
    for user, count in counts.items():
        user.fixed_count = count
    ready = _ready(environment, members + viewers)
    runner = environment.create_local_runner()
    try:
        runner.start(members + viewers, spawn_rate=USERS_PER_S)
        complete = ready.wait(READY_TIMEOUT_S)
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C ends the load early, and the table is still shown
            gevent.sleep(seconds)
    finally:
        runner.quit()
        Fleet.close_all()
    report = summarize(environment.stats, totals, _missing(target) if members else [])
    if not complete:
        report.errors.append(f"not every user came in within {READY_TIMEOUT_S:g} s")
    return report


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.run", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--host", help=f"URL of a server on this machine [{DEFAULT_HOST}, else a server of its own]")
    parser.add_argument("--own-server", action="store_true", help="start a server of its own, whatever runs")
    parser.add_argument("--members", type=_count, default=50, help="members that vote and ask [50]")
    parser.add_argument("--viewers", type=_count, default=5, help="members that receive media [5]")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long, once everybody is in [20]")
    parser.add_argument("--json", type=Path, help="also write the table to this file")
    return parser.parse_args()


def _count(text: str) -> int:
    number = int(text)  # argparse says what is wrong with a ValueError
    if not 0 <= number <= 2000:
        raise argparse.ArgumentTypeError("must be between 0 and 2000; more need locust's own distributed mode")
    return number


@contextlib.contextmanager
def _server(host: str | None, *, own: bool) -> Iterator[Target]:
    """The server to load: the one named, else the one that runs here, else our own."""
    target = Target.of(host or DEFAULT_HOST)
    if not own and _is_ready(target, required=host is not None):
        yield target
    elif target.session != DEFAULT_SESSION:
        raise ServerFailed(f"there is no server, and one of our own has no session {target.session}")
    else:
        with own_server() as url:
            yield Target.of(url)


def _is_ready(target: Target, *, required: bool) -> bool:
    """Whether a server answers; one that is `required` or is not ready raises `ServerFailed`."""
    try:
        get(f"{target.url}/readyz")
    except urllib.error.HTTPError as error:
        raise ServerFailed(f"what answers at {target.url} is no server that is ready: HTTP {error.code}") from None
    except OSError as error:
        if required:
            raise ServerFailed(f"no server answers at {target.url} ({error}); `make run` starts one") from None
        print(f"No server answers at {target.url}.")
        return False
    return True


def _ready(environment: Environment, users: int) -> Event:
    """An event that is set when all users have come in, or have failed to."""
    ready, names = Event(), iter(range(1, users + 1))

    def count(name: str, **_: object) -> None:
        if name in (reporter.MEMBER_READY, reporter.VIEWER_FIRST_PACKET) and next(names, users) == users:
            ready.set()

    environment.events.request.add_listener(count)  # type: ignore[no-untyped-call]
    if not users:
        ready.set()
    return ready


def _missing(target: Target) -> list[str]:
    """Hold what was acknowledged against what a newcomer is given."""
    deadline = monotonic() + PATIENCE_S
    while True:
        try:
            newcomer = MemberSocket(target, "Load test", on_gap=lambda gap: None)
        except (Refused, Unanswered, OSError, WebSocketException) as error:
            return [f"nobody can join any more: {error}"]
        newcomer.close()
        snapshot = newcomer.joined.snapshot
        if snapshot is not None and newcomer.joined.seq >= totals.ledger.seq:
            return totals.ledger.missing(snapshot)
        if monotonic() > deadline:
            return [f"the log ends at {newcomer.joined.seq}, and {totals.ledger.seq} was acknowledged"]
        gevent.sleep(_RETRY_S)


if __name__ == "__main__":
    sys.exit(main())
