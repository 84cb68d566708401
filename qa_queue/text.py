"""What is kept of what people write."""

import unicodedata

from qa_queue.errors import TextEmpty, TextTooLong

# UAX #9: embeddings, overrides and isolates. Unclosed, they would turn round the text that follows on the page.
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean_text(text: str, limit: int) -> str:
    """Normalise a text.

    NFC; line breaks and tabs become spaces; other control characters, lone surrogates and bidirectional controls go;
    whitespace is trimmed at both ends.

    Args:
        limit: code points that may be left.

    Raises:
        TextEmpty: nothing visible is left.
        TextTooLong: more than `limit` code points are left.
    """
    kept = "".join(_kept(character) for character in text)
    normal = unicodedata.normalize("NFC", kept).strip()
    if not any(_visible(character) for character in normal):
        raise TextEmpty
    if len(normal) > limit:
        raise TextTooLong(len(normal), limit)
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
