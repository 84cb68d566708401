"""The forms of a text that blocked words are looked for in, so that trivial disguises do not help.

Normalising: NFKC (full width, ligatures, circled letters), lower case, accents and characters that show nothing away, letters of other
scripts that look like Latin ones replaced; in forms of their own, digits and signs that stand for letters replaced, and letters drawn out
(`baaad`) shortened. What remains is words: of single letters set apart (`b a d`, `b.a.d`) and of what marks divide (`ba-d`) one word is
made. Chinese has no spaces, so words with Chinese in them are looked for in the text without any separators, and traditional
characters are replaced by simplified ones: each by itself, because what stands around it must not hide a word.
"""

import re
import unicodedata
from typing import Any

import msgspec
from opencc import OpenCC

# Letters of other scripts that look like Latin ones: the usual part of the confusables of UTS #39.
_LOOKALIKES = str.maketrans(
    "абвгеёзикмнорсстухьѕіјԁԛԝһғ" + "αβγεηικμνορτυχω" + "ıɡɑʟɪ",
    "abbreeeukmhopcctyxbsijdqwhf" + "abyenikmvoptuxw" + "igali",
)
_LEET = str.maketrans(
    {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i", "|": "l"}
)
_TOKEN = re.compile(r"[^\W_]+")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_LINK = re.compile(
    r"(?:https?://|www\.)([^\s/:?#]+)|\b((?:[a-z0-9-]{1,63}\.)+(?:com|cn|net|org|io|me|tv|cc|co|top|xyz|app|link|shop|vip|info|ru))\b",
    re.IGNORECASE,
)


class _Simplified(dict[int, str]):
    """A table for `str.translate` that is made as characters come; there are some ten thousand."""

    def __init__(self) -> None:
        super().__init__()
        self._converter = OpenCC("tw2s")

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if _CHINESE.match(character):
            character = self[code] = self._converter.convert(character)
        return character


_SIMPLIFIED = _Simplified()


class Screen(msgspec.Struct, frozen=True):
    """`words`: forms to look for a word in, each word between spaces. `squeezed`: forms without any separators. `hosts`: of links."""

    words: tuple[str, ...]
    squeezed: tuple[str, ...]
    hosts: tuple[str, ...]


def screened(text: str) -> Screen:
    """The forms of a text."""
    plain = _plain(text)
    forms = {plain, plain.translate(_LEET), _DRAWN_OUT.sub(r"\1", plain)}
    words = {f" {' '.join(found)} " for form in forms for found in (_words(form), _chunks(form))}
    squeezed = {"".join(_TOKEN.findall(form)) for form in forms}
    return Screen(tuple(sorted(words)), tuple(sorted(squeezed)), hosts(text))


def block_form(text: str, *, link: bool) -> dict[str, Any]:
    """The form in which a blocked word or host is looked for, and whether it is found inside of words too."""
    if link:
        found = hosts(text) or hosts(f"http://{text}")
        return {"form": found[0] if found else "", "inside": False}
    plain = _plain(text)
    if _CHINESE.search(plain):
        return {"form": "".join(_TOKEN.findall(plain)), "inside": True}
    words = " ".join(_words(plain))
    return {"form": f" {words} " if words else "", "inside": False}


def hosts(text: str) -> tuple[str, ...]:
    """The hosts of the links in a text."""
    normal = unicodedata.normalize("NFKC", text).replace("。", ".")
    return tuple((match[1] or match[2]).lower().strip(".").removeprefix("www.") for match in _LINK.finditer(normal))[
        :20
    ]


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(c for c in decomposed if unicodedata.category(c) not in ("Mn", "Me", "Cf", "Cc", "Cs"))
    return unicodedata.normalize("NFC", kept).translate(_LOOKALIKES).translate(_SIMPLIFIED)


def _words(plain: str) -> list[str]:
    """The words of a text; single letters in a row are one."""
    words: list[str] = []
    row = ""
    for token in [*_TOKEN.findall(plain), ""]:
        if len(token) == 1:
            row += token
            continue
        if row:
            words.append(row)
            row = ""
        if token:
            words.append(token)
    return words


def _chunks(plain: str) -> list[str]:
    """What stands between spaces, without the marks in it: `ba-d` is `bad`."""
    return [chunk for part in plain.split() if (chunk := "".join(_TOKEN.findall(part)))]
