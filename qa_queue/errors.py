"""Why a command of the queue is refused.

QueueError           the person's; `code` is that of the wire protocol
├── QuestionNotFound   not_found
├── QuestionClosed     closed
├── TextEmpty          text_empty
└── TextTooLong        text_too_long

A refusal changes nothing. What the store cannot do now is a `store.errors.StoreUnavailable` instead.
"""

from typing import ClassVar


class QueueError(Exception):
    """Base of all refusals."""

    code: ClassVar[str]


class QuestionNotFound(QueueError):
    """No such question in this session."""

    code = "not_found"


class QuestionClosed(QueueError):
    """The question is answered: it takes no votes and cannot be taken up again."""

    code = "closed"


class TextEmpty(QueueError):
    """Nothing is left of the text that a reader could see."""

    code = "text_empty"


class TextTooLong(QueueError):
    """The text is longer than a question may be."""

    code = "text_too_long"
