"""What hosts and moderators did, read back from the log."""

from qa_queue.events import Event, Merged
from qa_queue.moderation.model import Member
from qa_queue.questions.model import Question
from qa_queue.queue import LiveQueue
from signaling.entities import Person
from signaling.messages import Act, Audit

PAGE = 500
MOST_PAGES = 10
"""An answer looks through so much of the log at most; the next one goes on."""

MOVES = frozenset({"answering", "answered"})
"""Acts of several events: of the pointer, and of the questions that it leaves and comes to."""

COUNTS = frozenset({"voted", "tally", "clicked", "entered"})
"""Staff votes like everybody, in secret."""


async def acts_before(queue: LiveQueue, session: str, before: int, limit: int) -> Audit:
    """Up to `limit` acts of staff before a position of the log, newest first."""
    acts: list[Act] = []
    for _ in range(MOST_PAGES):
        after = max(0, before - 1 - PAGE)
        for event in reversed(await queue.events(session, after, before - 1 - after)):
            if not is_act(event):
                continue
            act = _act(event)
            if acts and _same(acts[-1], act):
                acts[-1] = act if acts[-1].kind == "now" else acts[-1]
                continue
            if len(acts) == limit:
                return Audit(acts=acts, before=event.seq + 1)
            acts.append(act)
        before = after + 1
        if after == 0:
            return Audit(acts=acts, before=None)
    return Audit(acts=acts, before=before)


def is_act(event: Event) -> bool:
    """Whether it is for the audit: done by staff, and not in secret."""
    if event.role not in ("host", "moderator") or event.kind in COUNTS:
        return False
    question = event.data
    return not (isinstance(question, Question) and question.anonymous and question.author.id == event.by)


def _same(one: Act, other: Act) -> bool:
    """Whether both are of one move of the pointer, which changes questions too, at one time of the store's clock."""
    return one.act in MOVES and (one.act, one.by, one.at) == (other.act, other.by, other.at)


def _act(event: Event) -> Act:
    id = event.data.question.id if isinstance(event.data, Merged) else getattr(event.data, "id", None)
    if isinstance(event.data, Member):
        id = event.data.id.removeprefix("via:")
    by = Person(event.by, event.name)
    return Act(seq=event.seq, at=event.at, by=by, act=event.act, kind=event.kind, id=id)
