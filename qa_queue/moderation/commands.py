"""What the commands of moderation take."""

from functools import partial

from qa_queue.moderation.screen import block_form
from qa_queue.spec import Spec

_member = partial(Spec, "qa_queue.moderation", uses=("members",))
_block = partial(Spec, "qa_queue.moderation", uses=("blocks",))

COMMANDS = {
    "configure": Spec("qa_queue.moderation", "configure", "staff"),
    "mute": _member("mute", "staff"),
    "unmute": _member("unmute", "staff"),
    "ban": _member("ban", "staff"),
    "unban": _member("unban", "staff"),
    "set_role": _member("set_role", "host"),
    "block_add": _block(
        "block_add", "staff", texts={"text": 40}, prepare=lambda args: block_form(args["text"], link=args["link"])
    ),
    "block_remove": _block("block_remove", "staff"),
    "delete": Spec("qa_queue.moderation", "delete", "staff", fixed={"to": True}),
    "undelete": Spec("qa_queue.moderation", "delete", "staff", fixed={"to": False}),
}

ARRIVE = Spec("qa_queue.moderation", "arrive", "read")
"""Not a command of the protocol: a person joins."""
