"""What the commands on hands and the stage take."""

from functools import partial

from qa_queue.spec import Spec

_hand = partial(Spec, "qa_queue.stage", uses=("hands",))

COMMANDS = {
    "hand_raise": _hand("hand_raise", "speak"),
    "hand_lower": _hand("hand_lower", "read"),
    "hand_invite": _hand("hand_invite", "staff"),
    "stage_enter": _hand("stage_enter", "speak"),
    "stage_leave": _hand("stage_leave", "read"),
    "stage_mute": _hand("stage_mute", "read"),
}

STAGE_HOLD = _hand("stage_hold", "system")
"""Not a command of the protocol: whether a page of somebody on stage is open."""
