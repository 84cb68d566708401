"""The commands: what a person does in a session.

Each carries `cmd`, by which a repetition is known. Limits that have an error code
of their own (the text of a question) are checked where they are stored.
"""

from signaling.commands.moderation import (
    Ban,
    BlockAdd,
    BlockRemove,
    Configure,
    Delete,
    Mute,
    SetRole,
    Unban,
    Undelete,
    Unmute,
)
from signaling.commands.polls import PollClose, PollMake, PollOpen, PollVote, TrialAdd
from signaling.commands.questions import (
    Answered,
    Answering,
    Approve,
    Ask,
    Decline,
    Edit,
    Mark,
    Merge,
    NextUp,
    SetLabels,
    SetPlace,
    Unmerge,
    Unvote,
    Vote,
    Withdraw,
    WriteReply,
)
from signaling.commands.showcase import (
    Announce,
    AnnouncementPin,
    AnnouncementWithdraw,
    DrawCancel,
    DrawClose,
    DrawEnter,
    DrawOpen,
    ProductAdd,
    ProductClick,
    ProductPin,
    ProductSample,
    Say,
)
from signaling.commands.stage import HandInvite, HandLower, HandRaise, StageEnter, StageLeave, StageMute

Command = (
    Ask
    | Edit
    | Withdraw
    | Vote
    | Unvote
    | Approve
    | Decline
    | SetLabels
    | SetPlace
    | WriteReply
    | Merge
    | Unmerge
    | Answering
    | Answered
    | NextUp
    | Mark
    | Configure
    | Mute
    | Unmute
    | Ban
    | Unban
    | SetRole
    | BlockAdd
    | BlockRemove
    | Delete
    | Undelete
    | PollMake
    | PollOpen
    | PollClose
    | PollVote
    | TrialAdd
    | HandRaise
    | HandLower
    | HandInvite
    | StageEnter
    | StageLeave
    | StageMute
    | Say
    | Announce
    | AnnouncementPin
    | AnnouncementWithdraw
    | ProductAdd
    | ProductPin
    | ProductClick
    | ProductSample
    | DrawOpen
    | DrawEnter
    | DrawClose
    | DrawCancel
)
"""Every command."""

__all__ = [
    "Announce",
    "AnnouncementPin",
    "AnnouncementWithdraw",
    "Answered",
    "Answering",
    "Approve",
    "Ask",
    "Ban",
    "BlockAdd",
    "BlockRemove",
    "Command",
    "Configure",
    "Decline",
    "Delete",
    "DrawCancel",
    "DrawClose",
    "DrawEnter",
    "DrawOpen",
    "Edit",
    "HandInvite",
    "HandLower",
    "HandRaise",
    "Mark",
    "Merge",
    "Mute",
    "NextUp",
    "PollClose",
    "PollMake",
    "PollOpen",
    "PollVote",
    "ProductAdd",
    "ProductClick",
    "ProductPin",
    "ProductSample",
    "Say",
    "SetLabels",
    "SetPlace",
    "SetRole",
    "StageEnter",
    "StageLeave",
    "StageMute",
    "TrialAdd",
    "Unban",
    "Undelete",
    "Unmerge",
    "Unmute",
    "Unvote",
    "Vote",
    "Withdraw",
    "WriteReply",
]
