"""What the commands on polls take."""

from functools import partial

from qa_queue.spec import Spec

_poll = partial(Spec, "qa_queue.polls", uses=("ballots",))

COMMANDS = {
    "poll_make": _poll("poll_make", "staff", texts={"text": 300, "options": 100}),
    "poll_open": _poll("poll_open", "staff"),
    "poll_close": _poll("poll_close", "staff"),
    "poll_vote": _poll(
        "poll_vote",
        "read",
        texts={"ballot": 200},
        screened="ballot",
        prepare=lambda args: {"folded": [word.casefold() for word in args["ballot"]]},
    ),
    "trial_add": _poll("trial_add", "staff", texts={"text": 200}),
}
