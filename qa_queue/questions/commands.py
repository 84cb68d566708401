"""What the commands on questions take."""

from functools import partial

from qa_queue.spec import Spec

MAX_TEXT = 500
"""Length of a question or reply in code points, after normalising."""

_question = partial(Spec, "qa_queue.questions", uses=("questions",))

COMMANDS = {
    "ask": _question("ask", "speak", texts={"text": MAX_TEXT, "product": 64}, screened="text"),
    "edit": _question("edit", "speak", texts={"text": MAX_TEXT}, screened="text"),
    "withdraw": _question("withdraw", "read"),
    "vote": _question("vote", "read"),
    "unvote": _question("unvote", "read"),
    "approve": _question("approve", "staff"),
    "decline": _question("decline", "staff", texts={"reason": 200}),
    "set_labels": _question("set_labels", "staff", texts={"labels": 40}),
    "set_place": _question("set_place", "staff"),
    "write_reply": _question("write_reply", "staff", texts={"text": MAX_TEXT}),
    "merge": _question("merge", "staff"),
    "unmerge": _question("unmerge", "staff"),
    "answering": _question("answering", "staff"),
    "answered": _question("answered", "staff"),
    "next_up": _question("next_up", "staff"),
    "mark": _question("mark", "staff"),
}
