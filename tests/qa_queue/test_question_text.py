"""What is left of a text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_queue.errors import TextEmpty, TextTooLong
from qa_queue.text import clean_text

MAX_TEXT = 500


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  plain  ", "plain"),
        ("two\nlines\tand\u3000more", "two lines and more"),
        ("nul\0 bell\a del\x7f c1\x90", "nul bell del c1"),
        ("lone \ud800surrogate", "lone surrogate"),
        ("e\u0301", "é"),
        ("turn \u202eround", "turn round"),
        ("👩‍👩‍👧 和 👍🏽", "👩‍👩‍👧 和 👍🏽"),
        ("x" * MAX_TEXT, "x" * MAX_TEXT),
        ("e\u0301" * MAX_TEXT + "\n", "é" * MAX_TEXT),
    ],
)
def test_normalised(text: str, expected: str) -> None:
    assert clean_text(text, MAX_TEXT) == expected


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u200d", "\ufeff", "\0", "\u0301"])
def test_nothing_to_see(text: str) -> None:
    with pytest.raises(TextEmpty):
        clean_text(text, MAX_TEXT)


@pytest.mark.parametrize("text", ["x" * (MAX_TEXT + 1), "\u0344" * MAX_TEXT + "x"])  # U+0344 becomes two code points
def test_too_long(text: str) -> None:
    with pytest.raises(TextTooLong):
        clean_text(text, MAX_TEXT)


@given(st.text(st.characters(), max_size=MAX_TEXT))
def test_a_result_is_clean_and_stays_as_it_is(text: str) -> None:
    try:
        result = clean_text(text, MAX_TEXT)
    except (TextEmpty, TextTooLong):
        return
    assert clean_text(result, MAX_TEXT) == result == result.strip() == unicodedata.normalize("NFC", result)
    assert 1 <= len(result) <= MAX_TEXT
    assert not {unicodedata.category(character) for character in result} & {"Cc", "Cs", "Zl", "Zp"}
