"""What one member knows of a session, and whether its log reached it without a gap."""

from signaling.messages import AnsweredEvent, AskedEvent, Event, Joined, VotedEvent


class Gap(Exception):
    """An event is not the one after the last: something was lost, repeated or swapped."""


class Replica:
    """A member's copy of the session.

    Attributes:
        seq: the last event applied.
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
        questions = joined.snapshot.questions if joined.snapshot else []
        self.votes = {question.id: question.voted for question in questions if question.state != "answered"}

    def apply(self, event: Event) -> None:
        """Take one event, whatever its number.

        Raises:
            Gap: after the event was applied, so that one gap is told once.
        """
        expected, self.seq = self.seq + 1, event.seq
        self.events += 1
        match event:
            case AskedEvent():
                self.votes[event.question.id] = False
            case VotedEvent() if isinstance(event.mine, bool) and event.question in self.votes:
                self.votes[event.question] = event.mine
            case AnsweredEvent():
                self.votes.pop(event.question, None)
        if event.seq != expected:
            raise Gap(f"event {event.seq} came where {expected} was due")
