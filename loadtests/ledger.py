"""What was acknowledged to members, to be held against what the server has afterwards."""

from collections import defaultdict

from signaling.entities import Snapshot
from signaling.messages import Ack


class Ledger:
    """Only what is certain stands here: a vote from its ack until its person begins to take it back.

    Attributes:
        seq: the last event that was acknowledged; an older snapshot proves nothing.
    """

    def __init__(self) -> None:
        self.seq = 0
        self._voters: dict[str, set[str]] = defaultdict(set)

    def asked(self, ack: Ack) -> None:
        """A question was acknowledged."""
        self._reach(ack)
        self._voters.setdefault(str(ack.id), set())  # somebody may have voted for it already

    def voted(self, ack: Ack, person: str) -> None:
        """A vote was acknowledged."""
        self._reach(ack)
        self._voters[str(ack.id)].add(person)

    def unvoting(self, question: str, person: str) -> None:
        """A vote is about to be taken back."""
        self._voters[question].discard(person)

    def unvoted(self, ack: Ack) -> None:
        """A vote was taken back."""
        self._reach(ack)

    def missing(self, snapshot: Snapshot) -> list[str]:
        """What was acknowledged and is not in a snapshot taken later, in words; others' votes do no harm."""
        there = {question.id: question.votes for question in snapshot.questions}
        return [
            f"question {question} is gone"
            if question not in there
            else f"question {question} has {there[question]} votes, and {len(voters)} were acknowledged"
            for question, voters in self._voters.items()
            if there.get(question, -1) < len(voters)
        ]

    def _reach(self, ack: Ack) -> None:
        self.seq = max(self.seq, ack.seq)
