"""Blocked words are found in trivial disguises, and not in words that only contain them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_queue.moderation.screen import block_form, screened


def found(word: str, text: str) -> bool:
    block, screen = block_form(word, link=False), screened(text)
    return any(block["form"] in form for form in (screen.squeezed if block["inside"] else screen.words))


@pytest.mark.parametrize(
    "text",
    [
        "so bad!",
        "so BAD",
        "so ｂａｄ",
        "b a d",
        "b.a.d",
        "ba-d",
        "b\u200bad",
        "b\u00e1d",
        "bаd",  # Cyrillic a
        "b4d",
        "b@d",
        "baaaad",
        "𝐛𝐚𝐝",
        "ⓑⓐⓓ",
        "b\u2060a\u00add",  # word joiner, soft hyphen
        "b_a_d",
        "ьaԁ",  # Cyrillic soft sign, Komi de
        "вad",
        "b\ufe0fa\u0336d",  # variation selector, strike-through
    ],
)
def test_disguises_of_a_latin_word(text: str) -> None:
    assert found("bad", text)


@pytest.mark.parametrize("text", ["badge", "a forbade b", "ba", "be a dear", "grab adapter"])
def test_other_words_stay(text: str) -> None:
    assert not found("bad", text)


@pytest.mark.parametrize("text", ["你是傻瓜吗", "傻 瓜", "傻.瓜", "傻\u200b瓜", "傻，瓜"])
def test_disguises_of_a_chinese_word(text: str) -> None:
    assert found("傻瓜", text)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("傻瓜发", "傻瓜發"),
        ("发财", "恭喜發財！"),
        ("發財", "恭喜发财！"),
        ("头发", "頭 髮"),
        ("着色", "著色"),
        ("干", "乾隆"),  # as a phrase it stays what it is
        ("台湾里", "臺灣裡"),
    ],
)
def test_simplified_and_traditional_are_one(word: str, text: str) -> None:
    assert found(word, text)


@pytest.mark.parametrize("text", ["发呆", "財", "白髮"])
def test_other_chinese_words_stay(text: str) -> None:
    assert not found("发财", text)


def test_a_phrase() -> None:
    assert found("buy now", "BUY   now!!")
    assert not found("buy now", "buy it now")


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("see https://Example.com/x?y", ("example.com",)),
        ("www.shop.cn 和 evil。com", ("shop.cn", "evil.com")),
        ("version 1.2.3 and e.g. this", ()),
        ("Ｗｗｗ．evil．ｃｏｍ", ("evil.com",)),
    ],
)
def test_hosts(text: str, hosts: tuple[str, ...]) -> None:
    assert screened(text).hosts == hosts


@given(st.text(st.characters()), st.text(st.characters(), max_size=40))
def test_any_text_has_its_forms(text: str, word: str) -> None:
    assert screened(text).words
    block_form(word, link=False)
    block_form(word, link=True)
