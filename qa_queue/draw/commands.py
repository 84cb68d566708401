"""What the commands on draws take."""

from functools import partial
from typing import Any

from qa_queue.draw.tickets import commitment, new_secret
from qa_queue.spec import Spec

_draw = partial(Spec, "qa_queue.draw")


def _committed(_: dict[str, Any]) -> dict[str, Any]:
    secret = new_secret()
    return {"secret": secret, "commitment": commitment(secret)}


COMMANDS = {
    "draw_open": _draw("draw_open", "staff", texts={"title": 100}, prepare=_committed),
    "draw_enter": _draw("draw_enter", "read"),
    "draw_close": _draw("draw_close", "staff"),
    "draw_cancel": _draw("draw_cancel", "staff"),
    "drawn": _draw("drawn", "system"),
}
