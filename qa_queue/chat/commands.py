"""What the commands on the chat and announcements take."""

from functools import partial

from qa_queue.spec import Spec

_chat = partial(Spec, "qa_queue.chat")

COMMANDS = {
    "say": _chat("say", "speak", texts={"text": 300}, screened="text"),
    "announce": _chat("announce", "staff", texts={"text": 500}),
    "announcement_show": _chat("announcement_show", "system"),
    "announcement_pin": _chat("announcement_pin", "staff"),
    "announcement_withdraw": _chat("announcement_withdraw", "staff"),
}
