"""Events of the log as they are sent: encoded once for each kind of reader, and once more for whom they concern."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import msgspec

from qa_queue.chat.model import Announcement
from qa_queue.events import Clicked, Entered, Event, Merged, Reacted, Tallied, Voted
from qa_queue.moderation.model import Block, Member
from qa_queue.polls.model import Poll
from qa_queue.questions.model import Question
from qa_queue.stage.model import Hand
from qa_queue.state import State
from server.views import entities
from signaling import events as wire
from signaling.entities import Person


@dataclass(frozen=True)
class Entry:
    """An event as it is sent. None: that reader is not told.

    Args:
        own: what single persons are told instead.
        audience, inside: persons who are told something else together.
        counts_of: of entries with the same, which are counts, the last says it all.
    """

    seq: int
    kind: str
    public: wire.Event | None
    staff: wire.Event | None
    own: dict[str, wire.Event] = field(default_factory=dict)
    audience: Collection[str] = ()
    inside: wire.Event | None = None
    counts_of: str | None = None

    def seen_by(self, person: str, *, staff: bool) -> wire.Event | None:
        """What a person is told."""
        if person in self.own:
            return self.own[person]
        if staff:
            return self.staff
        return self.inside if person in self.audience else self.public


def advance(state: State, event: Event) -> Entry:
    """Apply an event to the state; returns what is sent of it."""
    return _BUILDERS[event.kind](state, event)


def coalesced(entries: list[Entry]) -> list[Entry]:
    """The same without counts that a later entry overrides."""
    kept: dict[object, Entry] = {}
    for entry in entries:
        key = entry.counts_of or entry.seq
        earlier = kept.pop(key, None)
        kept[key] = entry if earlier is None else _joined(earlier, entry)
    return list(kept.values())


def _joined(earlier: Entry, later: Entry) -> Entry:
    """A later count with the parts that only the earlier one named."""

    def join(a: Any, b: Any) -> Any:
        if getattr(a, "counts", msgspec.UNSET) is msgspec.UNSET or getattr(b, "counts", msgspec.UNSET) is msgspec.UNSET:
            return b
        return msgspec.structs.replace(b, counts={**a.counts, **b.counts})

    return Entry(
        later.seq,
        later.kind,
        join(earlier.public, later.public),
        join(earlier.staff, later.staff),
        audience=later.audience,
        inside=join(earlier.inside, later.inside),
        counts_of=later.counts_of,
    )


Builder = Callable[[State, Event], Entry]


def _base(event: Event) -> dict[str, Any]:
    return {"seq": event.seq, "at": event.at, "act": event.act}


def _by(event: Event) -> dict[str, Any]:
    """Staff is told who of the staff it was."""
    return {"by": Person(event.by, event.name)} if event.role in ("host", "moderator") else {}


def _entity(cls: Any, name: str, view: Callable[[Any, State, bool], Any], *, known: Callable[[Any], bool]) -> Builder:
    """For an entity that members see, but not before `known` says so of it; afterwards they are told even that it is hidden."""

    def build(state: State, event: Event) -> Entry:
        before = state.entities.get(event.kind, {}).get(event.data.id)
        state.apply(event)
        public = None
        if known(event.data) or (before is not None and known(before)):
            public = cls(**_base(event), **{name: view(event.data, state, False)})
        return Entry(
            event.seq, event.kind, public, cls(**_base(event), **_by(event), **{name: view(event.data, state, True)})
        )

    return build


def _question(state: State, event: Event) -> Entry:
    question = event.data
    before = state.get(Question, question.id)
    state.apply(event)
    full = entities.question(question, state, full=True)
    public = None
    if entities.is_public(question) or (before is not None and entities.is_public(before)):
        public = wire.QuestionEvent(**_base(event), question=entities.question(question, state, full=False))
    # By the act of an anonymous author its name would be told.
    by = {} if question.anonymous and question.author.id == event.by else _by(event)
    staff = wire.QuestionEvent(**_base(event), **by, question=full)
    own = wire.QuestionEvent(**_base(event), question=full, mine=True)
    return Entry(event.seq, event.kind, public, staff, own={question.author.id: own})


def _voted(state: State, event: Event) -> Entry:
    state.apply(event)
    vote: Voted = event.data
    public = wire.VotedEvent(**_base(event), question=vote.question, votes=vote.votes)
    own = msgspec.structs.replace(public, mine=vote.voted)
    return Entry(event.seq, event.kind, public, public, own={event.by: own}, counts_of=f"v/{vote.question}")


def _merged(state: State, event: Event) -> Entry:
    merged: Merged = event.data
    subject = f"v/{merged.into}"
    before = set(state.facts.get(subject, {}))
    state.apply(event)
    changed = before ^ set(state.facts.get(subject, {}))
    into: dict[str, Any] = {"into": merged.into, "votes": merged.votes}
    full = entities.question(merged.question, state, full=True)
    public = wire.MergedEvent(**_base(event), **into, question=entities.question(merged.question, state, full=False))
    staff = wire.MergedEvent(**_base(event), **_by(event), **into, question=full)
    own = msgspec.structs.replace(public, mine=event.act == "merge")
    return Entry(event.seq, event.kind, public, staff, own=dict.fromkeys(changed, own))


def _poll(state: State, event: Event) -> Entry:
    poll: Poll = event.data
    state.apply(event)
    staff = wire.PollEvent(**_base(event), **_by(event), poll=entities.poll(poll, state, full=True, tally=True))
    if poll.state == "draft":
        return Entry(event.seq, event.kind, None, staff)
    shown = entities.shows_tally(poll)
    public = wire.PollEvent(**_base(event), poll=entities.poll(poll, state, full=False, tally=shown))
    if shown or not entities.shows_tally_to_voters(poll):
        return Entry(event.seq, event.kind, public, staff)
    inside = wire.PollEvent(**_base(event), poll=entities.poll(poll, state, full=False, tally=True))
    return Entry(event.seq, event.kind, public, staff, audience=state.facts.get(f"b/{poll.id}", {}), inside=inside)


def _tally(state: State, event: Event) -> Entry:
    tally: Tallied = event.data
    first = state.fact(f"b/{tally.poll}", event.by) is None
    state.apply(event)
    poll = state.get(Poll, tally.poll)
    assert poll is not None  # ballots are for what is there
    bare = wire.TallyEvent(**_base(event), poll=tally.poll, total=tally.total)
    full = msgspec.structs.replace(bare, counts=dict(tally.counts))
    public = full if entities.shows_tally(poll) else bare
    own = msgspec.structs.replace(bare, mine=tally.ballot)
    voters: Collection[str] = ()
    if entities.shows_tally_to_voters(poll):
        # Who votes first is shown all that it was not shown before.
        counts = entities.tally_of(poll, state).counts if first else dict(tally.counts)
        own = msgspec.structs.replace(own, counts=counts)
        voters = state.facts.get(f"b/{poll.id}", {}) if public is bare else ()
    return Entry(
        event.seq,
        event.kind,
        public,
        full,
        own={event.by: own},
        audience=voters,
        inside=full,
        counts_of=f"b/{poll.id}",
    )


def _reactions(state: State, event: Event) -> Entry:
    state.apply(event)
    reacted: Reacted = event.data
    public = wire.ReactionsEvent(**_base(event), counts=reacted.counts)  # type: ignore[arg-type]  # known names alone
    return Entry(event.seq, event.kind, public, public, counts_of="reactions")


def _clicked(state: State, event: Event) -> Entry:
    state.apply(event)
    clicked: Clicked = event.data
    public = wire.ClickedEvent(**_base(event), product=clicked.product, clicks=clicked.clicks, samples=clicked.samples)
    own = msgspec.structs.replace(public, sampled=True) if clicked.how == "sample" else public
    return Entry(event.seq, event.kind, public, public, own={event.by: own}, counts_of=f"c/{clicked.product}")


def _entered(state: State, event: Event) -> Entry:
    state.apply(event)
    entered: Entered = event.data
    public = wire.EnteredEvent(**_base(event), draw=entered.draw, entries=entered.entry.ticket)
    own = msgspec.structs.replace(public, mine=entered.entry.ticket)
    return Entry(event.seq, event.kind, public, public, own={event.by: own}, counts_of=f"d/{entered.draw}")


def _hand(state: State, event: Event) -> Entry:
    state.apply(event)
    hand: Hand = event.data
    public = wire.HandEvent(**_base(event), person=hand.id, hand=entities.hand(hand))
    return Entry(event.seq, event.kind, public, msgspec.structs.replace(public, **_by(event)))


def _member(state: State, event: Event) -> Entry:
    state.apply(event)
    member: Member = event.data
    staff = wire.MemberEvent(**_base(event), **_by(event), member=entities.member(member))
    me = entities.me(state, member.person)
    assert me is not None  # there is at least this one
    own = wire.MemberEvent(**_base(event), member=me)
    return Entry(event.seq, event.kind, None, staff, own={member.person: own})


def _block(state: State, event: Event) -> Entry:
    state.apply(event)
    block: Block = event.data
    staff = wire.BlockEvent(**_base(event), **_by(event), id=block.id, block=entities.block(block))
    return Entry(event.seq, event.kind, None, staff)


def _shown(announcement: Announcement) -> bool:
    return announcement.state == "shown"


def _always(_: object) -> bool:
    return True


_BUILDERS: dict[str, Builder] = {
    "question": _question,
    "voted": _voted,
    "merged": _merged,
    "poll": _poll,
    "tally": _tally,
    "reactions": _reactions,
    "clicked": _clicked,
    "entered": _entered,
    "hand": _hand,
    "member": _member,
    "block": _block,
    "reply": _entity(wire.ReplyEvent, "reply", lambda of, _, full: entities.reply(of, full=full), known=_always),
    "now": _entity(wire.NowEvent, "now", lambda of, _, full: entities.now(of), known=_always),
    "settings": _entity(wire.SettingsEvent, "settings", lambda of, _, full: entities.settings(of), known=_always),
    "chat": _entity(wire.ChatEvent, "message", lambda of, _, full: entities.chat(of, full=full), known=_always),
    "announcement": _entity(
        wire.AnnouncementEvent, "announcement", lambda of, _, full: entities.announcement(of, full=full), known=_shown
    ),
    "product": _entity(
        wire.ProductEvent, "product", lambda of, state, full: entities.product(of, state, full=full), known=_always
    ),
    "draw": _entity(wire.DrawEvent, "draw", lambda of, state, full: entities.draw(of, state), known=_always),
    "trial": _entity(wire.TrialEvent, "trial", lambda of, _, full: entities.trial(of, full=full), known=_always),
}
