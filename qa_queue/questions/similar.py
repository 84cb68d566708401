"""Which questions may be the same: a suggestion, which a person confirms."""

import math
import unicodedata
from collections.abc import Iterable

from rapidfuzz import fuzz, process

THRESHOLD = 45.0
"""Of 100. Below it pairs that mean different things are in the majority; a false suggestion costs a glance."""


def similar(text: str, others: Iterable[tuple[str, str]], limit: int = 5) -> list[tuple[str, float]]:
    """The ids of the likeliest duplicates with their scores of 0 to 100, best first.

    Words in any order are compared where there are words, and pairs of characters in any order, which does for Chinese as well.

    Args:
        text: the question.
        others: ids and texts of those to compare it with.
    """
    ids, texts = [], []
    for id, other in others:
        ids.append(id)
        texts.append(_plain(other))
    found = process.extract(_plain(text), texts, scorer=_score, limit=limit, score_cutoff=THRESHOLD)
    return [(ids[index], round(score, 1)) for _, score, index in found]


def _score(a: str, b: str, *, score_cutoff: float | None = None, **_: object) -> float:
    return max(fuzz.token_sort_ratio(a, b), fuzz.token_set_ratio(_pairs(a), _pairs(b)) * _balance(a, b))


def _pairs(text: str) -> str:
    dense = text.replace(" ", "")
    return " ".join(dense[n : n + 2] for n in range(max(1, len(dense) - 1)))


def _balance(a: str, b: str) -> float:
    """A text that is part of a much longer one is not the same question."""
    return math.sqrt(min(len(a), len(b)) / max(len(a), len(b), 1))


def _plain(text: str) -> str:
    normal = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(c if c.isalnum() else " " for c in normal).split())
