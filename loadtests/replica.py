"""What one member knows of a session, and whether its log reached it without a gap."""

from signaling.events import Event, QuestionEvent, VotedEvent
from signaling.messages import Events, Joined

OPEN = frozenset({"queued", "answering"})


class Gap(Exception):
    """A message does not go on where the last one ended: something was lost, repeated or swapped."""


class Replica:
    """A member's copy of the session.

    Attributes:
        seq: position in the log.
        votes: the questions that take votes, and whether this member votes for them.
        events: events applied.
    """

    def __init__(self) -> None:
        self.seq = 0
        self.votes: dict[str, bool] = {}
        self.events = 0

    def start(self, joined: Joined) -> None:
        """Take the snapshot of a first join."""
        self.seq = joined.seq
        snapshot = joined.snapshot
        if snapshot:
            mine = set(snapshot.mine.votes)
            self.votes = {question.id: question.id in mine for question in snapshot.questions if question.state in OPEN}

    def apply(self, message: Events) -> None:
        """Take a message, wherever it begins.

        Raises:
            Gap: after it was applied, so that one gap is told once.
        """
        expected, self.seq = self.seq, message.seq
        for event in message.events:
            self._apply(event)
        if message.after != expected:
            raise Gap(f"events after {message.after} came where those after {expected} were due")

    def _apply(self, event: Event) -> None:
        self.events += 1
        match event:
            case QuestionEvent(question=question):
                if question.state in OPEN:
                    self.votes.setdefault(question.id, False)
                else:
                    self.votes.pop(question.id, None)
            case VotedEvent() if isinstance(event.mine, bool) and event.question in self.votes:
                self.votes[event.question] = event.mine
