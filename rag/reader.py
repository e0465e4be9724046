"""The extractive reader: how well each sentence of the hits answers a question, by its words, its meaning and, where a
trained span reader is at hand that can read the question, by the answer that this one finds in it."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.alignment import Alignment, TokenVectors, align, headings_of, lead_of, surrounding
from rag.asked import Rarity, Word, asked_words, rarity_among
from rag.evidence import Evidence, Passage
from rag.meaning import UNREADABLE_SHARE
from rag.refusal import Judge, read_judges
from rag.schema import Chunk, Hit
from rag.sentences import Span
from rag.words import tokenize

if TYPE_CHECKING:
    from rag.span_reader import AnswerSpan, Reading, SpanReader

_KEPT_TEXTS = 256  # about 0.3 MB a passage of MiniLM's
# Factor for a sentence when neither it nor its heading, title or date holds the year that is asked for.
_OTHER_NUMBER = 0.8

# Share of the best sentence's odds that a further one must reach to be quoted. On the examples as many quotes hold the
# gold sentence at a fifth as at a seventh, with fewer others, and at a half they miss it; by words alone the sentences
# of a passage lie closer together: a half left out a third of the others and one gold sentence in forty-one (trials).
# A trained reader's doubt spreads the odds: a tenth quotes about as many as a fifth does without it (dev questions).
_CLOSE = {"aligned": 0.2, "lexical": 0.5, "read": 0.1}
_SUREST = 12.0  # of a span's score: beyond it a logit says nothing more
# Words of a section at least: at 20 SQuAD and TAT-QA lose a point of F1, at 40 COVID-QA gains nothing (trials).
_SECTION_WORDS = 30

Features = dict[str, Any]  # by name, each of shape (sentences,)
Answers = Sequence["AnswerSpan | None"]  # of each sentence, in `lead_of(chunk) + chunk.text`


class AlignedReader:
    """Scores each sentence of the hits by the question's words that it meets and by how near it is in meaning.

    A word that no document holds weighs most: to ask for what is nowhere said is what must be refused. The score of a
    sentence is the support that it gives by itself, so a further hit never lowers that of the best.
    """

    def __init__(
        self,
        rarity: Rarity | None = None,
        embedder: Any = None,
        judges: Mapping[str, Judge] | None = None,
        thresholds: Mapping[str, float] | None = None,
        spans: SpanReader | None = None,
        sections: SpanReader | None = None,
    ) -> None:
        self._rarity = rarity
        self._embedder = embedder
        self._judges = judges or read_judges()
        self._thresholds = thresholds or {}  # by judge, of this corpus, instead of the judge's own
        self._tokens = _TokenCache(embedder) if hasattr(embedder, "token_vectors") else None
        self._spans = spans
        self._sections = sections  # judges nothing: it only widens the answer of the best sentence

    def with_spans(self, spans: SpanReader | None, sections: SpanReader | None = None) -> AlignedReader:
        """The same reader, what it keeps included, with another span reader and another one of sections."""
        other = copy(self)
        other._spans, other._sections = spans, sections
        return other

    def read(self, question: str, hits: Sequence[Hit]) -> Evidence:
        """Every sentence of the hits with its score, 0 to 1, the best first."""
        name, found = self._found(question, hits)
        judge = self._judges[name]
        passages = [
            _passage(number, hits[number - 1], span, float(score), answer)
            for number, alignment, features, answers in found
            for span, score, answer in zip(alignment.spans, judge.support(features), answers, strict=True)
        ]
        # Sorting is stable: among equals the better hit, and in one hit the earlier sentence, comes first.
        best_first = sorted(passages, key=lambda passage: -passage.score)
        best_first[:1] = [self._with_section(question, best) for best in best_first[:1]]
        threshold = self._thresholds.get(name, judge.threshold)
        return Evidence(
            passages=tuple(best_first),
            threshold=threshold,
            hopeless=min(judge.hopeless, threshold),
            close=_CLOSE[name],
        )

    def _with_section(self, question: str, best: Passage) -> Passage:
        """With the section that the reader of sections marks around it for an answer, where it marks one."""
        if self._sections is None or best.answer is None:
            return best
        chunk = best.hit.chunk
        found = self._sections.spans(question, [lead_of(chunk) + chunk.text])[0].best()
        if found is None or found.score <= 0:
            return best
        start, end = _in_document(chunk, found)
        section = chunk.text[start - chunk.start : end - chunk.start]
        if len(section.split()) < _SECTION_WORDS or end <= best.start or best.end <= start:
            return best
        return replace(best, answer=(start, end), surety=max(best.surety, surety(found)))

    def features(
        self, question: str, hits: Sequence[Hit]
    ) -> tuple[str, list[tuple[int, Alignment, Features]]]:
        """The name of the judge, and of each hit with a sentence: its number from 1, alignment and features."""
        name, found = self._found(question, hits)
        return name, [one[:3] for one in found]

    def _found(
        self, question: str, hits: Sequence[Hit]
    ) -> tuple[str, list[tuple[int, Alignment, Features, Answers]]]:
        rarity = self._rarity or rarity_among([set(tokenize(surrounding(hit.chunk))) for hit in hits])
        words = asked_words(question, rarity)
        vectors = self._vectors(question, hits)
        readings = self.readings(question, hits) if vectors else None
        found: list[tuple[int, Alignment, Features, Answers]] = []
        for place, hit in enumerate(hits if words else ()):
            beside = (vectors[0], vectors[place + 1]) if vectors else (None, None)
            if alignment := align(words, hit.chunk, *beside):
                features = features_of(words, hit.chunk, alignment)
                answers: Answers = [None] * len(alignment.spans)
                if readings:
                    answers = answers_of(readings[place], hit.chunk, alignment)
                    features |= {"read": np.array([surety(answer) for answer in answers])}
                found.append((place + 1, alignment, features, answers))
        # Where no judge was fitted for it, the span reader marks answers and judges nothing.
        judged = readings and "read" in self._judges
        return ("read" if judged else "aligned" if vectors else "lexical"), found

    def readings(self, question: str, hits: Sequence[Hit]) -> list[Reading] | None:
        """Of each hit; None where no span reader can read the question."""
        if self._spans is None or not self._spans.reads(question):
            return None
        return self._spans.spans(question, [lead_of(hit.chunk) + hit.chunk.text for hit in hits])

    def _vectors(self, question: str, hits: Sequence[Hit]) -> list[TokenVectors] | None:
        """Of the question and of each hit; None when the embedder cannot read the question."""
        if self._tokens is None or self._embedder.unknown_share(question) > UNREADABLE_SHARE:
            return None
        return self._tokens.many([question, *(lead_of(hit.chunk) + hit.chunk.text for hit in hits)])


def features_of(words: Sequence[Word], chunk: Chunk, alignment: Alignment) -> Features:
    """`met`: the share of the words met, by weight; `worst`: the weight of the heaviest that is not; `held`: the share
    that the passage holds; `length`: the logarithm of the number of words, of which a long question has more that no
    answer repeats; `near`: the nearness in meaning, 0 where it cannot be read."""
    weights = np.array([word.weight for word in words])
    share = weights / max(float(weights.sum()), 1e-9)
    headed = set(tokenize(headings_of(chunk)))
    asked_numbers = np.array([word.text[0].isdigit() and word.text not in headed for word in words])
    elsewhere = (asked_numbers & (alignment.met < 1.0)).any(axis=1)
    met = np.where(elsewhere, _OTHER_NUMBER, 1.0) * (alignment.met @ share)
    return {
        "met": met,
        "worst": ((1.0 - alignment.met) * weights).max(axis=1),
        "held": np.full(len(met), float(alignment.held @ share)),
        "length": np.full(len(met), math.log(len(words))),
        "near": np.zeros(len(met)) if alignment.near is None else alignment.near,
    }


def answers_of(reading: Reading, chunk: Chunk, alignment: Alignment) -> Answers:
    """Of each sentence the best span that begins in it or, where it is surer, one that comes over from before it."""
    lead = len(lead_of(chunk))
    own = [reading.best(lead + start, lead + end) for start, end in alignment.spans]
    found: list[AnswerSpan | None] = []
    for (start, _), answer in zip(alignment.spans, own, strict=True):
        over = [before for before in found if before is not None and before.end > lead + start]
        found.append(max([*over, *([answer] if answer else [])], key=lambda one: one.score, default=None))
    return found


def surety(answer: AnswerSpan | None) -> float:
    return -_SUREST if answer is None else max(min(answer.score, _SUREST), -_SUREST)


class _TokenCache:
    """Token vectors of the texts that were read last: the same passages are found again and again."""

    def __init__(self, embedder: Any) -> None:
        one = embedder.token_vectors
        self._compute = getattr(embedder, "token_vectors_many", lambda texts: [one(text) for text in texts])
        self._kept: OrderedDict[str, TokenVectors] = OrderedDict()
        self._lock = threading.Lock()  # one reader, many threads of a service

    def many(self, texts: Sequence[str]) -> list[TokenVectors]:
        with self._lock:
            new = [text for text in dict.fromkeys(texts) if text not in self._kept]
            self._kept.update(zip(new, self._compute(new) if new else [], strict=True))
            for text in texts:
                self._kept.move_to_end(text)
            found = [self._kept[text] for text in texts]
            while len(self._kept) > _KEPT_TEXTS:
                self._kept.popitem(last=False)
            return found


def _passage(number: int, hit: Hit, span: Span, score: float, answer: AnswerSpan | None) -> Passage:
    start, end = span
    chunk = hit.chunk
    return Passage(
        number=number,
        hit=hit,
        text=chunk.text[start:end],
        start=chunk.start + start,
        end=chunk.start + end,
        score=score,
        answer=None if answer is None else _in_document(chunk, answer),
        surety=surety(answer),
    )


def _in_document(chunk: Chunk, answer: AnswerSpan) -> tuple[int, int]:
    """Where a span of `lead_of(chunk) + chunk.text` stands; what of it is lead or goes beyond is left out."""
    before = chunk.start - len(lead_of(chunk))
    return max(before + answer.start, chunk.start), min(before + answer.end, chunk.end)
