"""Which languages rows are in, by script and a few common words: a guess for the report, not for training."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_SCRIPTS = {
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "ko": re.compile(r"[\uac00-\ud7af]"),
    "zh": re.compile(r"[\u4e00-\u9fff]"),
    "ru": re.compile(r"[\u0400-\u04ff]"),
    "ar": re.compile(r"[\u0600-\u06ff]"),
    "hi": re.compile(r"[\u0900-\u097f]"),
}
# The commonest words that the other languages here do not write so.
_WORDS = {
    "en": "the of and to is that for with was this what how are you which",
    "de": "der und ist nicht das mit ein eine auf für wie den von",
    "fr": "le les des est une dans pour qui sur pas avec du",
    "es": "el los las del para más una es por como qué",
    "it": "che di il sono per della una è con gli",
    "pt": "os uma não do da são para com em você",
}
_OF = {word: language for language, words in _WORDS.items() for word in words.split()}
_FEWEST = 0.1  # of a text's letters, for a script to name its language
_SAMPLE = 1000  # characters of a row
_LEAST = 0.005  # of the rows, for a language to be named: fewer are guesses gone wrong


def language_of(text: str) -> str:
    """A code such as "en" or "zh"; "other" where nothing tells."""
    letters = [letter for letter in text[:_SAMPLE] if letter.isalpha()]
    if not letters:
        return "other"
    joined = "".join(letters)
    for language, script in _SCRIPTS.items():
        if len(script.findall(joined)) >= _FEWEST * len(letters):
            return language
    hits = Counter(_OF[word] for word in re.findall(r"\w+", text[:_SAMPLE].lower()) if word in _OF)
    return hits.most_common(1)[0][0] if hits else "other"


def shares(texts: Iterable[str]) -> dict[str, float]:
    """Part of the rows in each language worth naming, the commonest first.

    A row in Latin letters that holds no common word is taken for the commonest language of those that do.
    """
    counts = Counter(language_of(text) for text in texts)
    total = sum(counts.values())
    spoken = [language for language, _ in counts.most_common() if language in _WORDS]
    if spoken:
        counts[spoken[0]] += counts.pop("other", 0)
    named = {language: round(count / total, 4) for language, count in counts.most_common()}
    return {language: share for language, share in named.items() if share >= _LEAST}
