"""Texts made comparable: one case, one form of digits, no punctuation, thousands without separators."""

from __future__ import annotations

import re
import string
import unicodedata
from operator import add

_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(rf"\d+(?:[.,]\d+)*|[^\W\d_{_CJK}]+|[{_CJK}]+|%")
_CJK_RUN = re.compile(f"[{_CJK}]+")
_BESIDE_CJK = re.compile(f" ?([{_CJK}]+) ?")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_ALPHABETIC_RUN = re.compile("[a-z0-9\u00df-\u024f\u0370-\u06ff]+")
_MARKS = string.punctuation + "“”‘’–—…、。，；：？！（）《》【】"
_NO_MARKS = str.maketrans(_MARKS, " " * len(_MARKS))


def tokens(text: str) -> list[str]:
    """Words, numbers and runs of CJK letters, in their order; 1,234.50 and １２３４．５０ are the same number."""
    one_form = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return [_number(token) if token[0].isdigit() else token for token in _TOKEN.findall(one_form.casefold())]


def words(text: str) -> list[str]:
    """Tokens with each run of CJK letters as its pairs, which need no dictionary of words."""
    found: list[str] = []
    for token in tokens(text):
        if len(token) > 1 and _CJK_RUN.match(token):
            found.extend(map(add, token, token[1:]))
        else:
            found.append(token)
    return found


def loose_words(text: str) -> set[str]:
    """Much the same in a tenth of the time, for finding a place: numbers fall apart at their points and commas."""
    lower = text.casefold()
    if lower.isascii():
        return set(lower.translate(_NO_MARKS).split())
    found = set(_ALPHABETIC_RUN.findall(lower))
    for run in _CJK_RUN.findall(lower):
        found.update(map(add, run, run[1:]))
    return found


def folded(text: str) -> str:
    """Case, punctuation and spaces ignored and nothing else: enough to see that rows repeat, in no time."""
    return " ".join(text.casefold().translate(_NO_MARKS).split())


def plain(text: str) -> str:
    """The tokens with one space between them, but none beside CJK letters, which lines break anywhere."""
    joined = " ".join(tokens(text))
    return joined if joined.isascii() else _BESIDE_CJK.sub(r"\1", joined)


def stands_in(needle: str, text: str) -> bool:
    """Whether a plain text holds another as whole words and numbers: 5 does not stand in 15, nor no in not."""
    place = text.find(needle)
    while place >= 0 and needle:
        end = place + len(needle)
        if not _joined(text[place - 1 : place], needle[0]) and not _joined(needle[-1], text[end : end + 1]):
            return True
        place = text.find(needle, place + 1)
    return False


def _joined(left: str, right: str) -> bool:
    """Whether two neighbours belong to one word or number."""
    both = left + right
    return (
        len(both) == 2 and both.isalnum() and not _CJK_RUN.search(both) and left.isdigit() == right.isdigit()
    )


def _number(token: str) -> str:
    """Without separators of thousands and without zeros that do not count after the point."""
    whole, point, decimals = _THOUSANDS.sub("", token).partition(".")
    if not decimals.isdigit():
        return whole + point + decimals
    return f"{whole}.{decimals}".rstrip("0").rstrip(".")
