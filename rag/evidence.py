"""What the found passages hold on a question: sentences with their scores, and whether they suffice to answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rag.schema import Hit

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
    """Sentences, the best first; `threshold` is the score below which their reader would refuse.

    Below `hopeless` even a model that writes has nothing to go on; above it, it judges by itself.
    """

    passages: tuple[Passage, ...]
    threshold: float
    hopeless: float = 0.0

    @property
    def score(self) -> float:
        """How well the best sentence meets the question, 0 to 1."""
        return self.passages[0].score if self.passages else 0.0

    def suffices(self, threshold: float | None = None) -> bool:
        """Whether to answer at all; None takes the reader's own threshold."""
        return bool(self.passages) and self.score >= (self.threshold if threshold is None else threshold)

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
    """The reader that uses what this retriever knows: its words' rarity and its embedder, where it has them."""
    from rag.reader import AlignedReader  # numpy and jieba

    return AlignedReader(getattr(retriever, "rarity", None), getattr(retriever, "embedder", None))
