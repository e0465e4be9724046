"""The words of news.toml as patterns, and the plain lexicon that trained weights are compared with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from apps.numbers_of import numbers_of

_HAN = re.compile(r"[\u3400-\u9fff]")
_LETTER = re.compile(r"[^\W\d_]")


def language_of(text: str) -> str:
    """ "zh" where a fifth of the letters or more are Chinese, else "en"; "other" where neither script is most of it."""
    letters = _LETTER.findall(text)
    if not letters:
        return "en"
    if len(_HAN.findall(text)) >= len(letters) / 5:
        return "other" if len(re.findall(r"[\u3040-\u30ff]", text)) > len(letters) / 10 else "zh"
    latin = sum(letter < "\u0250" for letter in letters)
    return "en" if latin >= len(letters) / 2 and _reads_english(text) else "other"


def _reads_english(text: str) -> bool:
    """Whether the small words are English ones; texts under eight words are not judged."""
    words = re.findall(r"[a-zà-ÿ]+", text.lower())
    small = sum(
        word in {"the", "of", "and", "to", "in", "a", "its", "on", "for", "as", "by"} for word in words
    )
    return len(words) < 8 or small >= len(words) / 25


@cache
def pattern(table: str, name: str, language: str = "") -> re.Pattern[str]:
    """A pattern of news.toml; English ones match whole words."""
    found = numbers_of("news")[table]
    value = found[language][name] if language else found[name]
    words = "|".join(value) if isinstance(value, list) else value
    english = "en" in (language, name)
    return re.compile(rf"(?<![A-Za-z])(?:{words})(?![A-Za-z])" if english else words, re.IGNORECASE)


def limit(name: str) -> int:
    return int(numbers_of("news")["limits"][name])


def lexicon_label(text: str, language: str) -> str:
    """What counting words of gain and loss says; "mixed" where both stand equally often, in English alone."""
    up, down = (len(pattern("sentiment", name, language).findall(text)) for name in ("positive", "negative"))
    if up == down:
        return "mixed" if up and language == "en" else "neutral"
    return "positive" if up > down else "negative"


def signs(texts: Sequence[str], language: str) -> Any:
    """Shape (texts, 4): words of gain there, words of loss there, more of gain, more of loss."""
    up, down = (pattern("sentiment", name, language) for name in ("positive", "negative"))
    counts = [(len(up.findall(text)), len(down.findall(text))) for text in texts]
    rows = [(gain > 0, loss > 0, gain > loss, loss > gain) for gain, loss in counts]
    return np.array(rows, dtype=np.float64).reshape(len(texts), 4)


def is_finance(text: str, language: str) -> bool:
    """Whether anything in the text is of money, companies or markets."""
    return bool(
        pattern("finance", language).search(text) or re.search(r"[$€£¥￥%]|百分之|\d\s*[万亿]?元", text)
    )
