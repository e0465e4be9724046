"""What the found passages hold on a question: sentences with their scores, and whether they suffice to answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from rag.agreement import disagreement
from rag.schema import Citation, Hit

if TYPE_CHECKING:
    from rag.span_reader import SpanReader

_MOST = 3  # quotations
# Least surety of a short answer, in logits: between an answer and none on dev questions (a trial).
_SURE = -1.0
_APART = 0.1  # share of words in which two versions of a sentence may differ
_WORD = re.compile(r"[\u3400-\u9fff]|\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A sentence of a hit: `document.text[start:end] == text`; `number` counts the hits from 1.

    `answer` is where in the document a trained reader sees the answer that the sentence gives; None without a reader.
    """

    number: int
    hit: Hit
    text: str
    start: int
    end: int
    score: float  # 0..1
    answer: tuple[int, int] | None = None
    surety: float = 0.0  # of the trained reader, in logits: above 0 it holds `answer` for one


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

    @property
    def short(self) -> Passage | None:
        """The sentence whose `answer` may stand for the whole; None where no reader is sure enough of one."""
        best = self.passages[0] if self.passages else None
        return best if best is not None and best.answer is not None and best.surety > _SURE else None

    def short_answer(self) -> Citation | None:
        """Where the short answer stands, with the sentence that gives it as its claim."""
        best = self.short
        if best is None or best.answer is None:
            return None
        start, end = best.answer
        chunk = best.hit.chunk
        return Citation(
            number=best.number,
            claim=best.text,
            quote=chunk.text[start - chunk.start : end - chunk.start],
            source=chunk.source,
            start=start,
            end=end,
            page=chunk.page,
            heading=chunk.heading,
            support=round(best.score, 3),
        )

    def best(self) -> tuple[Passage, ...]:
        """The sentences worth quoting: the best, all that a longer answer takes in, and those nearly as good that say
        something else.

        Those of one hit stand together, as in their source.
        """
        chosen = self._answering()
        most = _MOST + max(len(chosen) - 1, 0)  # the answer is one quotation, however many sentences it takes
        for passage in self.passages:
            if _odds(passage.score) < self.close * _odds(self.score) or len(chosen) >= most:
                break
            if not any(_same(passage.text, other.text) for other in chosen):
                chosen.append(passage)
        first = {passage.number: place for place, passage in reversed(list(enumerate(chosen)))}
        return tuple(sorted(chosen, key=lambda passage: (first[passage.number], passage.start)))

    def _answering(self) -> list[Passage]:
        """The sentences that the answer of the best one reaches over, be they as many as they are."""
        best = self.short
        if best is None or best.answer is None:
            return []
        start, end = best.answer
        same = [passage for passage in self.passages if passage.number == best.number]
        return [passage for passage in same if passage.start < end and passage.end > start]


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


def reader_for(retriever: Any, domain: str = "general", spans: SpanReader | None = None) -> Reader:
    """The reader that uses what this retriever knows (rarity of words, embedder, thresholds, where it has them) and the
    trained reader of the domain, where there is one, or `spans`. ValueError for a domain that none reads for."""
    from rag.domain_readers import domain_reader, section_reader
    from rag.reader import AlignedReader  # numpy and jieba

    thresholds: dict[str, float] = getattr(retriever, "refusal_thresholds", dict)()
    return AlignedReader(
        getattr(retriever, "rarity", None),
        getattr(retriever, "embedder", None),
        thresholds=thresholds,
        spans=spans or domain_reader(domain),
        sections=None if spans else section_reader(domain),
    )


def in_domain(reader: Reader, domain: str) -> Reader:
    """The reader with the trained one of another domain; one that knows of none reads as ever."""
    from rag.domain_readers import domain_reader, section_reader

    with_spans = getattr(reader, "with_spans", None)
    return reader if with_spans is None else with_spans(domain_reader(domain), section_reader(domain))
