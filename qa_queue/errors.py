"""Why a command of the queue is refused.

QueueError           `code` is that of the wire protocol
├── TextEmpty        text_empty: before any script is run
└── TextTooLong      text_too_long: likewise

A refusal changes nothing. What the store cannot do now is a `store.errors.StoreUnavailable` instead.
"""

TEXTS = {
    "banned": "A moderator has closed this session for you.",
    "forbidden": "This is for others to do.",
    "muted": "A moderator has muted you.",
    "not_found": "Nothing in this session has this id.",
    "closed": "It takes no more.",
    "wrong_state": "This is not possible in the state in which it is.",
    "bad_choice": "This is none of the choices.",
    "text_empty": "The text is empty.",
    "text_blocked": "There is a blocked word in the text.",
    "link_blocked": "This link, or any link, is not allowed here.",
    "not_invited": "Only who was invited may come on stage.",
    "stage_full": "The stage is full.",
    "too_many": "The session holds no more of these.",
    "rate_limited": "Too fast.",
}


class QueueError(Exception):
    """A refusal.

    Args:
        code: of the wire protocol.
        message: English, for logs; by default the one of the code.
        retry_after_ms: when the same command may come again, where that is known.
    """

    def __init__(self, code: str, message: str | None = None, *, retry_after_ms: int | None = None) -> None:
        super().__init__(message or TEXTS.get(code, code))
        self.code = code
        self.retry_after_ms = retry_after_ms


class TextEmpty(QueueError):
    """Nothing is left of the text that a reader could see."""

    def __init__(self) -> None:
        super().__init__("text_empty", "The text is empty.")


class TextTooLong(QueueError):
    """The text is longer than it may be."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__("text_too_long", f"The text has {length} characters; {limit} are allowed.")
