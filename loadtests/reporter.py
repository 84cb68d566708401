"""What a user tells locust, and under which names."""

from locust.env import Environment

MEMBER_READY = "member ready"
MEMBER_STAYED = "member stayed"
JOIN = "join"
VOTE_ACKNOWLEDGED = "vote acknowledged"
VOTE_SEEN = "vote seen"
QUESTION_ACKNOWLEDGED = "question acknowledged"
QUESTION_SEEN = "question seen"
EVENT_LOG = "event log"
VIEWER_CONNECTED = "viewer connected"
VIEWER_FIRST_PACKET = "viewer first packet"
VIEWER_STAYED = "viewer stayed"


class Reporter:
    """Fires locust's request event, by which everything is counted.

    Args:
        environment: of the test.
        kind: shown as the request's type.
    """

    def __init__(self, environment: Environment, kind: str) -> None:
        self._environment = environment
        self._kind = kind

    def done(self, name: str, ms: float | None = None, octets: int = 0) -> None:
        """Something worked; `ms` is left out where no time is measured."""
        self._fire(name, ms, octets, None)

    def failed(self, name: str, error: Exception) -> None:
        """Something did not."""
        self._fire(name, None, 0, error)

    def _fire(self, name: str, ms: float | None, octets: int, error: Exception | None) -> None:
        self._environment.events.request.fire(  # type: ignore[no-untyped-call]
            request_type=self._kind,
            name=name,
            response_time=ms,
            response_length=octets,
            exception=error,
            context={},
        )
