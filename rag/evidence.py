"""Which sentences of the found passages bear on a question, and whether they bear on it enough to answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rag.schema import Hit
from rag.sentences import sentence_spans

Rarity = Callable[[str], float]  # inverse document frequency of a word

# The least score at which the best sentence still answers; benchmarks/refusal.py draws the curve it is read from.
THRESHOLD = 0.5
_CLOSE = 0.85  # a further sentence is quoted when it scores at least this share of the best one
_MOST = 3  # sentences quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A sentence of a hit: `document.text[start:end] == text`; `number` counts the hits from 1."""

    number: int
    hit: Hit
    text: str
    start: int
    end: int
    score: float  # 0..1


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Sentences, the best first."""

    passages: tuple[Passage, ...]

    @property
    def score(self) -> float:
        """How well the best sentence covers the question, 0 to 1."""
        return self.passages[0].score if self.passages else 0.0

    def passages_above(self, threshold: float | None = None) -> tuple[Passage, ...]:
        """The sentences that support an answer; empty means: refuse."""
        least = THRESHOLD if threshold is None else threshold
        return tuple(passage for passage in self.passages if passage.score >= least)

    def best(self) -> tuple[Passage, ...]:
        """The sentences worth quoting: the best, and those nearly as good that say something else."""
        chosen: list[Passage] = []
        for passage in self.passages:
            if passage.score < _CLOSE * self.score or len(chosen) == _MOST:
                break
            if all(passage.text not in other.text and other.text not in passage.text for other in chosen):
                chosen.append(passage)
        return tuple(chosen)


class Reader(Protocol):
    def read(self, question: str, hits: Sequence[Hit]) -> Evidence: ...


def reader_for(retriever: Any) -> Reader:
    """The reader that knows most about this retriever's corpus: word rarities where it has them."""
    return OverlapReader(getattr(retriever, "rarity", None))


@dataclass(frozen=True, slots=True)
class OverlapReader:
    """Scores a sentence by the share of the question's words, weighted by rarity, that it and its passage hold.

    A word that no document holds weighs most: asking for what is nowhere said is what must be refused.
    """

    rarity: Rarity | None = None

    def read(self, question: str, hits: Sequence[Hit]) -> Evidence:
        from rag.keyword import tokenize

        asked = list(dict.fromkeys(tokenize(question)))
        in_hits = [set(tokenize(_context(hit))) for hit in hits]
        weigh = self.rarity or _rarity_among(in_hits)
        weights = {word: weigh(word) for word in asked}
        total = sum(weights.values())
        if not total:
            return Evidence(passages=())

        def covered(words: set[str]) -> float:
            return sum(weight for word, weight in weights.items() if word in words) / total

        passages = [
            Passage(
                number=number,
                hit=hit,
                text=hit.chunk.text[start:end],
                start=hit.chunk.start + start,
                end=hit.chunk.start + end,
                score=(covered(set(tokenize(hit.chunk.text[start:end]))) + covered(around)) / 2,
            )
            for number, (hit, around) in enumerate(zip(hits, in_hits, strict=True), 1)
            for start, end in sentence_spans(hit.chunk.text)
        ]
        # Sorting is stable: among equals the better hit comes first.
        return Evidence(passages=tuple(sorted(passages, key=lambda passage: -passage.score)))


def _context(hit: Hit) -> str:
    return f"{hit.chunk.metadata.get('title', '')}\n{hit.chunk.heading}\n{hit.chunk.source}\n{hit.chunk.text}"


def _rarity_among(passages: Sequence[set[str]]) -> Rarity:
    def rarity(word: str) -> float:
        found = sum(word in words for words in passages)
        return math.log(1 + (len(passages) - found + 0.5) / (found + 0.5))

    return rarity
