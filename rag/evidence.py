"""What the found passages hold on a question: sentences with their scores, and whether they suffice to answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rag.agreement import disagreement
from rag.schema import Hit

_MOST = 3  # sentences quoted
_APART = 0.1  # share of words in which two versions of a sentence may differ
_WORD = re.compile(r"[\u3400-\u9fff]|\w+")


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
    """Sentences, the best first; `threshold` is the score below which their reader would refuse.

    Below `hopeless` even a model that writes has nothing to go on; above it, it judges by itself. A further sentence
    is quoted when the odds that it answers are at least the share `close` of the best one's.
    """

    passages: tuple[Passage, ...]
    threshold: float
    hopeless: float = 0.0
    close: float = 0.2

    @property
    def score(self) -> float:
        """How well the best sentence meets the question, 0 to 1."""
        return self.passages[0].score if self.passages else 0.0

    def suffices(self, threshold: float | None = None) -> bool:
        """Whether to answer at all; None takes the reader's own threshold."""
        return bool(self.passages) and self.score >= (self.threshold if threshold is None else threshold)

    def best(self) -> tuple[Passage, ...]:
        """The sentences worth quoting: the best, and those nearly as good that say something else.

        Those of one hit stand together, as in their source.
        """
        chosen: list[Passage] = []
        for passage in self.passages:
            if _odds(passage.score) < self.close * _odds(self.score) or len(chosen) == _MOST:
                break
            if not any(_same(passage.text, other.text) for other in chosen):
                chosen.append(passage)
        first = {passage.number: place for place, passage in reversed(list(enumerate(chosen)))}
        return tuple(sorted(chosen, key=lambda passage: (first[passage.number], passage.start)))


def _odds(score: float) -> float:
    return score / max(1.0 - score, 1e-9)


def _same(text: str, other: str) -> bool:
    """Whether one holds the other, whatever their spaces, or they are versions that tell the same."""
    one, two = "".join(text.split()).casefold(), "".join(other.split()).casefold()
    if one in two or two in one:
        return True
    mine, theirs = set(_WORD.findall(text.casefold())), set(_WORD.findall(other.casefold()))
    alike = len(mine ^ theirs) <= _APART * len(mine | theirs)
    return alike and not disagreement(text, other) and not disagreement(other, text)


class Reader(Protocol):
    def read(self, question: str, hits: Sequence[Hit]) -> Evidence: ...


def reader_for(retriever: Any) -> Reader:
    """The reader that uses what this retriever knows: rarity of words, embedder, thresholds, where it has them."""
    from rag.reader import AlignedReader  # numpy and jieba

    thresholds: dict[str, float] = getattr(retriever, "refusal_thresholds", dict)()
    return AlignedReader(
        getattr(retriever, "rarity", None), getattr(retriever, "embedder", None), thresholds=thresholds
    )
