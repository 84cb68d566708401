"""What goes into a command and what comes out."""

import unicodedata

import msgspec

from qa_queue.errors import TextEmpty, TextTooLong

MAX_TEXT = 500
"""Length of a question in code points, after normalising."""

# UAX #9: embeddings, overrides and isolates. Unclosed, they would turn round the text that follows on the page.
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Ack(msgspec.Struct, frozen=True):
    """A command is done, and on disk.

    `seq`: the event that it made; where nothing needed to change, the position of the log.
    `question`: the question that it was about, or made; None when the pointer was cleared.
    """

    seq: int
    question: str | None


def question_text(text: str) -> str:
    """Normalise the text of a question.

    NFC; line breaks and tabs become spaces; other control characters, lone surrogates and bidirectional controls go;
    whitespace is trimmed at both ends.

    Raises:
        TextEmpty: nothing visible is left.
        TextTooLong: more than `MAX_TEXT` code points are left.
    """
    kept = "".join(_kept(character) for character in text)
    normal = unicodedata.normalize("NFC", kept).strip()
    if not any(_visible(character) for character in normal):
        raise TextEmpty("The question has no text.")
    if len(normal) > MAX_TEXT:
        raise TextTooLong(f"The question has {len(normal)} characters; {MAX_TEXT} are allowed.")
    return normal


def _kept(character: str) -> str:
    if character.isspace():
        return " "
    if unicodedata.category(character) in ("Cc", "Cs") or character in _BIDI_CONTROLS:
        return ""
    return character


def _visible(character: str) -> bool:
    """Joiners and marks alone show nothing; within words and emoji they are kept."""
    return unicodedata.category(character) not in ("Cf", "Mn", "Me", "Zs")
