"""The words of a question that a source could hold, each with its weight: how much is missing when it is missing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag.words import RUN, dictionary_share, is_chinese, tokenize

Rarity = Callable[[str], float]  # inverse document frequency of a word

# Words that ask and name nothing that a source could hold.
_ASKING = re.compile(
    r"\bhow\s+(?:long|much|many|often|far|old|large|big|high|soon|late|early|fast|well)\b"
    r"|\b(?:what|which)\s+(?:kind|sort|type|amount|number|percentage|share|date|time|day)s?(?:\s+of)?\b"
    r"|\b(?:please|tell|list|name|explain|describe|give|happens?|means?|says?)\b"
    r"|什么时候|什么|哪(?:些|个|一|里|儿|年|种|家|位|几)?|是?多少|多久|多长|多大|多高|几(?=[个年月天日点次种家位名岁小])"
    r"|何时|为何|如何|怎么办|怎么样|怎样|怎么|是否|能否|可否|请问|谁|能不能|可以|需要|应该",
    re.IGNORECASE,
)
# A Chinese word that stands in most passages of running text weighs little, however few documents of this index hold
# it: a question in everyday words is asked of documents that are written in others.
_PASSAGE_WORDS = 100
_RAREST = math.log(1 + 1 / (1 - math.exp(-_PASSAGE_WORDS * 1e-6)))  # of a word that comes once in a million


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the question: as the keyword leg spells it, its rarity here, its weight, and where it stands."""

    text: str
    rarity: float
    weight: float  # 0 to 1
    start: int
    end: int


def asked_words(question: str, rarity: Rarity) -> list[Word]:
    """In the order of the question, each once; a question of asking words alone is taken as it is."""
    greatest = max(rarity("\0"), 1e-9)  # of a word that no document holds
    asking_blanked = _ASKING.sub(lambda match: " " * len(match.group()), question)
    for text in (asking_blanked, question):
        found = [
            Word(word, rarity(word), _weight(word, rarity(word) / greatest), run.start(), run.end())
            for run in RUN.finditer(text)
            for word in tokenize(run.group())
        ]
        if words := list({word.text: word for word in found}.values()):
            return words
    return []


def _weight(word: str, rarity_share: float) -> float:
    if not is_chinese(word):
        return rarity_share
    often = max(dictionary_share(word), 1e-6)
    return min(rarity_share, math.log(1 + 1 / (1 - math.exp(-_PASSAGE_WORDS * often))) / _RAREST)


def rarity_among(passages: Sequence[set[str]]) -> Rarity:
    """Rarity among a few passages, for a retriever that knows none of its own."""

    def rarity(word: str) -> float:
        found = sum(word in words for words in passages)
        return math.log(1 + (len(passages) - found + 0.5) / (found + 0.5))

    return rarity
