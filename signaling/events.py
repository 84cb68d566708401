"""The events of the session log, as a page is told them.

All have `seq`, `at`, `act` (what happened: the command, or what time did) and, for hosts and moderators alone, `by`.
"""

from msgspec import UNSET, Struct, UnsetType

from signaling import entities
from signaling.fields import Ballot, Count, Reaction, Sequence, Time


class _Event(Struct, frozen=True, kw_only=True, tag_field="kind"):
    seq: Sequence
    at: Time
    act: str
    by: entities.Person | UnsetType = UNSET


class QuestionEvent(_Event, tag="question", frozen=True, kw_only=True):
    """A question is new or has changed; `mine`, true, is there for its author alone."""

    question: entities.Question
    mine: bool | UnsetType = UNSET


class VotedEvent(_Event, tag="voted", frozen=True, kw_only=True):
    """The count changed; `mine` is there for the person whose vote it is alone."""

    question: str
    votes: Count
    mine: bool | UnsetType = UNSET


class MergedEvent(_Event, tag="merged", frozen=True, kw_only=True):
    """A duplicate was merged, or is one no more; `votes` are those of `into` after it.

    `mine` is there for those whose vote for `into` came or went with it: whether they vote for it now.
    """

    question: entities.Question
    into: str
    votes: Count
    mine: bool | UnsetType = UNSET


class NowEvent(_Event, tag="now", frozen=True, kw_only=True):
    """The pointer, its slot or what is next up changed."""

    now: entities.Now


class SettingsEvent(_Event, tag="settings", frozen=True, kw_only=True):
    """The session is run differently."""

    settings: entities.Settings


class ReplyEvent(_Event, tag="reply", frozen=True, kw_only=True):
    """An answer in text."""

    reply: entities.Reply


class PollEvent(_Event, tag="poll", frozen=True, kw_only=True):
    """A poll is new or has changed."""

    poll: entities.Poll


class TallyEvent(_Event, tag="tally", frozen=True, kw_only=True):
    """Somebody voted. `counts`: those that changed, where the reader may see them; `mine` for the voter alone."""

    poll: str
    total: Count
    counts: dict[str, int] | UnsetType = UNSET
    mine: Ballot | UnsetType = UNSET


class ReactionsEvent(_Event, tag="reactions", frozen=True, kw_only=True):
    """Totals of the reactions; at most five a second a session."""

    counts: dict[Reaction, int]


class HandEvent(_Event, tag="hand", frozen=True, kw_only=True):
    """A hand, or somebody on stage; null: `person` has neither any more."""

    person: str
    hand: entities.Hand | None


class ChatEvent(_Event, tag="chat", frozen=True, kw_only=True):
    """A line of chat."""

    message: entities.ChatMessage


class AnnouncementEvent(_Event, tag="announcement", frozen=True, kw_only=True):
    """An announcement is new or has changed."""

    announcement: entities.Announcement


class ProductEvent(_Event, tag="product", frozen=True, kw_only=True):
    """A product card is new or has changed."""

    product: entities.Product


class ClickedEvent(_Event, tag="clicked", frozen=True, kw_only=True):
    """Somebody opened a product's link or asked for a sample; `sampled` for that person alone."""

    product: str
    clicks: Count
    samples: Count
    sampled: bool | UnsetType = UNSET


class DrawEvent(_Event, tag="draw", frozen=True, kw_only=True):
    """A draw is new or has changed."""

    draw: entities.Draw


class EnteredEvent(_Event, tag="entered", frozen=True, kw_only=True):
    """Somebody takes part; `mine`, the ticket, for that person alone."""

    draw: str
    entries: Count
    mine: Count | UnsetType = UNSET


class TrialEvent(_Event, tag="trial", frozen=True, kw_only=True):
    """An entry of "next trial"."""

    trial: entities.Trial


class MemberEvent(_Event, tag="member", frozen=True, kw_only=True):
    """A decision about a person, for staff and that person alone."""

    member: entities.Member


class BlockEvent(_Event, tag="block", frozen=True, kw_only=True):
    """A blocked word or host, for staff alone; null: `id` is allowed again."""

    id: str
    block: entities.Block | None


Event = (
    QuestionEvent
    | VotedEvent
    | MergedEvent
    | NowEvent
    | SettingsEvent
    | ReplyEvent
    | PollEvent
    | TallyEvent
    | ReactionsEvent
    | HandEvent
    | ChatEvent
    | AnnouncementEvent
    | ProductEvent
    | ClickedEvent
    | DrawEvent
    | EnteredEvent
    | TrialEvent
    | MemberEvent
    | BlockEvent
)
"""Every event."""
