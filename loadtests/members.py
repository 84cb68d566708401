"""Members that join, vote often and ask rarely.

`locust -f loadtests/members.py --host http://localhost:8080` runs them by locust's own means, from the root of the checkout.
The open session `demo` is joined, or LIVETRIAL_SESSION with LIVETRIAL_TOKEN, which must be a join link's token: it makes
each member a person of its own.
"""

import contextlib
import itertools
import random
from collections.abc import Callable
from functools import partial
from time import perf_counter

from gevent.lock import BoundedSemaphore  # type: ignore[import-untyped]
from locust import User, between, task
from locust.exception import StopUser
from websockets.exceptions import WebSocketException

from loadtests import reporter
from loadtests.member_socket import Lost, MemberSocket, Pending, Refused, Unanswered
from loadtests.replica import Gap
from loadtests.reporter import Reporter
from loadtests.target import BadTarget, Target
from loadtests.totals import totals
from signaling.messages import Ack

_numbers = itertools.count(1)
_first_question = BoundedSemaphore()


class MemberUser(User):
    """One member. A pause of about a second keeps it far below the 10 messages a second that a socket may send."""

    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        """Join, and vote once."""
        self._reporter = Reporter(self.environment, "member")
        self._socket: MemberSocket | None = None
        began = perf_counter()
        try:
            self._socket = self._join()
            self._ensure_question(self._socket)
            self._vote(self._socket)
        except (BadTarget, Refused, Unanswered, Lost, OSError, WebSocketException) as error:
            self._reporter.failed(reporter.MEMBER_READY, error)
            self._leave()
        else:
            self._reporter.done(reporter.MEMBER_READY, (perf_counter() - began) * 1000)

    def on_stop(self) -> None:
        """Leave for good."""
        self._leave()

    @task(40)
    def vote(self) -> None:
        """Vote for a question, or take the vote back."""
        self._attempt(self._vote)

    @task(1)
    def ask(self) -> None:
        """Ask a question."""
        self._attempt(self._ask)

    def _join(self) -> MemberSocket:
        target = Target.of(self.host or "")
        began = perf_counter()
        socket = MemberSocket(target, f"Load {next(_numbers)}", self._on_gap)
        self._reporter.done(reporter.JOIN, (perf_counter() - began) * 1000)
        if target.token is not None and socket.joined.token is None:
            socket.close()
            raise BadTarget("LIVETRIAL_TOKEN names a person; take the token of a join link, so that members differ")
        return socket

    def _ensure_question(self, socket: MemberSocket) -> None:
        with _first_question:  # so that not everybody asks where nobody has asked yet
            if not socket.replica.votes:
                self._ask(socket)

    def _ask(self, socket: MemberSocket) -> None:
        pending = socket.ask(f"Load test: question {next(_numbers)}")
        self._settle(pending, reporter.QUESTION_ACKNOWLEDGED, reporter.QUESTION_SEEN, totals.ledger.asked)

    def _vote(self, socket: MemberSocket) -> None:
        votes = socket.replica.votes
        if not votes:  # a moderator has closed them all
            return
        question = random.choice(list(votes))
        if votes[question]:
            totals.ledger.unvoting(question, socket.person)
            pending, acknowledged = socket.unvote(question), totals.ledger.unvoted
        else:
            pending, acknowledged = socket.vote(question), partial(totals.ledger.voted, person=socket.person)
        self._settle(pending, reporter.VOTE_ACKNOWLEDGED, reporter.VOTE_SEEN, acknowledged)

    def _settle(self, pending: Pending, acknowledged: str, seen: str, record: Callable[[Ack], None]) -> None:
        """Wait for ack and event, and report both under the names given; `record` is told of the ack."""
        name = acknowledged
        try:
            ms, ack = pending.acknowledged()
            record(ack)
            self._reporter.done(name, ms)
            name = seen
            self._reporter.done(name, pending.seen(ack))
        except Refused as refusal:
            if refusal.code != "closed":  # a moderator may close a question while a vote for it is on its way
                self._reporter.failed(name, refusal)
                raise
        except (Unanswered, Lost) as error:
            self._reporter.failed(name, error)
            raise

    def _attempt(self, action: Callable[[MemberSocket], None]) -> None:
        if self._socket is None:
            raise StopUser
        with contextlib.suppress(Refused, Unanswered, Lost):  # reported; the next attempt may do better
            action(self._socket)
        if self._socket.lost is not None:
            self._leave()

    def _on_gap(self, gap: Gap) -> None:
        self._reporter.failed(reporter.EVENT_LOG, gap)

    def _leave(self) -> None:
        if self._socket is None:
            return
        if self._socket.lost is None:
            self._reporter.done(reporter.MEMBER_STAYED)
        else:
            self._reporter.failed(reporter.MEMBER_STAYED, self._socket.lost)
        self._socket.close()
        totals.events += self._socket.replica.events
        self._socket = None
