"""How well each word of a question is met in a sentence: by the same word, by one alike in its context, or by some of
its characters. The last is for Chinese, which the default embedder cannot read.

Words alike are found as ColBERT finds them (late interaction, arXiv 2004.12832): the greatest cosine between a word's
token vectors and those of the sentence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from rag.evidence import Evidence, Passage
from rag.schema import Chunk, Hit
from rag.sentences import Span, sentence_spans
from rag.words import RUN, tokenize

Rarity = Callable[[str], float]  # inverse document frequency of a word
TokenVectors = Callable[[str], tuple[Any, list[Span]]]

# Where a question is refused: read off the curve that benchmarks/refusal.py draws.
MIN_SUPPORT_ALIGNED, MIN_SUPPORT_LEXICAL = 0.58, 0.54
UNREADABLE_SHARE = 0.25  # of unknown tokens, above which the embedder's vectors of a question are noise

# What a word counts that stands beside the sentence in its passage, heading or title, and a Chinese word of which
# only characters are met. Cosines of MiniLM's tokens below .2 are chance, above .8 the same word or a synonym.
_BESIDE, _BY_CHARACTERS = 0.7, 0.5
_CHANCE, _SAME = 0.2, 0.8
# Factor for a sentence when neither it nor its heading, title or date holds the year that is asked for.
_OTHER_NUMBER = 0.8
_WEIGHT_OF_MEANING = 1 / 3  # of the cosine between question and passage, beside that of the words

# Words that ask and name nothing that a source could hold.
_ASKING = re.compile(
    r"\bhow\s+(?:long|much|many|often|far|old|large|big|high|soon|late|early|fast|well)\b"
    r"|\b(?:what|which)\s+(?:kind|sort|type|amount|number|percentage|share|date|time|day)s?(?:\s+of)?\b"
    r"|\b(?:please|tell|list|name|explain|describe|give|happens?|means?|says?)\b"
    r"|什么时候|什么|哪(?:些|个|一|里|儿|年|种|家|位|几)?|是?多少|多久|多长|多大|多高|几(?=[个年月天日点次种家位名岁小])"
    r"|何时|为何|如何|怎么办|怎么样|怎样|怎么|是否|能否|可否|请问|谁|能不能|可以|需要|应该",
    re.IGNORECASE,
)
# A few words without a stop, a figure or a cell border: a heading that the loader could not tell as one.
_BARE_WORDS = re.compile(r"[#A-Za-z'’\s-]+")


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of the question: as the keyword leg spells it, its rarity, and where it stands."""

    text: str
    rarity: float
    start: int
    end: int


class AlignedReader:
    """Scores each sentence of the hits by the question's words that it meets, weighted by how rare they are.

    A word that no document holds weighs most: to ask for what is nowhere said is what must be refused.
    """

    def __init__(self, rarity: Rarity | None = None, embedder: Any = None) -> None:
        self._rarity = rarity
        self._embedder = embedder
        tokens: TokenVectors | None = getattr(embedder, "token_vectors", None)
        self._tokens = (
            lru_cache(maxsize=256)(tokens) if tokens else None
        )  # about 0.3 MB a passage of MiniLM's

    def read(self, question: str, hits: Sequence[Hit]) -> Evidence:
        """Every sentence of the hits with its score, 0 to 1, the best first."""
        surroundings = [set(tokenize(_surrounding(hit.chunk))) for hit in hits]
        words = _words(question, self._rarity or _rarity_among(surroundings))
        tokens = self._tokens_for(question)
        least = MIN_SUPPORT_ALIGNED if tokens else MIN_SUPPORT_LEXICAL
        if not words:
            return Evidence(passages=(), threshold=least)
        passages: list[Passage] = []
        for number, (hit, around) in enumerate(zip(hits, surroundings, strict=True), 1):
            if spans := _statements(hit.chunk):
                scores = _scores(question, words, hit, spans, around, tokens)
                pairs = zip(spans, scores, strict=True)
                passages += [_passage(number, hit, span, float(score)) for span, score in pairs]
        # Sorting is stable: among equals the better hit comes first.
        best_first = sorted(passages, key=lambda passage: -passage.score)
        return Evidence(passages=tuple(best_first), threshold=least)

    def _tokens_for(self, question: str) -> TokenVectors | None:
        readable = self._tokens and self._embedder.unknown_share(question) <= UNREADABLE_SHARE
        return self._tokens if readable else None


def _words(question: str, rarity: Rarity) -> list[_Word]:
    asking_blanked = _ASKING.sub(lambda match: " " * len(match.group()), question)
    for text in (asking_blanked, question):  # a question of asking words alone is taken as it is
        found = [
            _Word(word, rarity(word), run.start(), run.end())
            for run in RUN.finditer(text)
            for word in tokenize(run.group())
        ]
        if words := list({word.text: word for word in found}.values()):
            return words
    return []


def _statements(chunk: Chunk) -> list[Span]:
    """The sentences that can answer: no headings, and no questions, as those of a FAQ."""
    headings = {part.strip() for part in chunk.heading.split(" > ")}
    spans = sentence_spans(chunk.text)
    return [span for span in spans if _states(chunk.text[slice(*span)], headings)]


def _states(sentence: str, headings: set[str]) -> bool:
    if sentence.endswith(("?", "？")) or sentence.strip("#* ") in headings:
        return False
    return len(sentence.split()) > 4 or not _BARE_WORDS.fullmatch(sentence)


def _scores(
    question: str,
    words: Sequence[_Word],
    hit: Hit,
    spans: Sequence[Span],
    around: set[str],
    tokens: TokenVectors | None,
) -> Any:
    """Shape (sentences,): the share of the words met, by rarity, mixed with the passage's nearness in meaning."""
    met = _met(words, hit.chunk, spans, around)
    if tokens:
        met = np.maximum(met, _alike(question, words, hit.chunk, spans, tokens))
    rarity = np.array([word.rarity for word in words])
    headed = set(tokenize(_headings(hit.chunk)))
    asked_numbers = np.array([word.text[0].isdigit() and word.text not in headed for word in words])
    elsewhere = (asked_numbers & (met < 1.0)).any(axis=1)
    scores = np.where(elsewhere, _OTHER_NUMBER, 1.0) * (met @ rarity) / rarity.sum()
    if tokens is None:
        return scores
    meaning = max(hit.dense_score or 0.0, 0.0)
    return (1 - _WEIGHT_OF_MEANING) * scores + _WEIGHT_OF_MEANING * meaning


def _surrounding(chunk: Chunk) -> str:
    return f"{_headings(chunk)}\n{chunk.text}"


def _headings(chunk: Chunk) -> str:
    known = (chunk.metadata.get("title", ""), chunk.metadata.get("date", ""), chunk.heading, chunk.source)
    return "\n".join(known)


def _met(words: Sequence[_Word], chunk: Chunk, spans: Sequence[Span], around: set[str]) -> Any:
    """Shape (sentences, words): 1 for a word of the sentence, less for one beside it or met in part."""
    surrounding = _surrounding(chunk)
    beside = [
        _BESIDE * (1.0 if word.text in around else _BY_CHARACTERS * _characters(word.text, surrounding))
        for word in words
    ]
    rows = []
    for start, end in spans:
        sentence = chunk.text[start:end]
        held = set(tokenize(sentence))
        rows.append(
            [
                1.0 if word.text in held else max(least, _BY_CHARACTERS * _characters(word.text, sentence))
                for word, least in zip(words, beside, strict=True)
            ]
        )
    return np.array(rows)


def _characters(word: str, text: str) -> float:
    """Share of a Chinese word's characters that the text holds; 0 for other words, where letters say nothing."""
    return sum(c in text for c in word) / len(word) if word >= "\u3400" else 0.0


def _alike(
    question: str, words: Sequence[_Word], chunk: Chunk, spans: Sequence[Span], tokens: TokenVectors
) -> Any:
    """Shape (sentences, words): how near the nearest word of the sentence, or of its passage, is in meaning."""
    lead = f"{chunk.heading}\n" if chunk.heading else ""
    asked, asked_spans = tokens(question)
    held, held_spans = tokens(lead + chunk.text)
    if not len(asked) or not len(held):
        return np.zeros((len(spans), len(words)))
    cosines = asked @ held.T
    rows = [
        cosines[_inside(asked_spans, word.start, word.end)].mean(0)
        if _inside(asked_spans, word.start, word.end) and not word.text[0].isdigit()
        else np.zeros(len(held))  # 2025 is not 2026, however near their vectors
        for word in words
    ]
    near = np.clip((np.stack(rows) - _CHANCE) / (_SAME - _CHANCE), 0.0, 1.0)
    beside = _BESIDE * near.max(1)
    found = [
        np.maximum(near[:, inside].max(1), beside)
        if (inside := _inside(held_spans, len(lead) + start, len(lead) + end))
        else beside
        for start, end in spans
    ]
    return np.stack(found)


def _inside(spans: Sequence[Span], start: int, end: int) -> list[int]:
    return [index for index, span in enumerate(spans) if start <= span[0] and span[1] <= end]


def _passage(number: int, hit: Hit, span: Span, score: float) -> Passage:
    start, end = span
    chunk = hit.chunk
    return Passage(
        number=number,
        hit=hit,
        text=chunk.text[start:end],
        start=chunk.start + start,
        end=chunk.start + end,
        score=score,
    )


def _rarity_among(passages: Sequence[set[str]]) -> Rarity:
    def rarity(word: str) -> float:
        found = sum(word in words for words in passages)
        return math.log(1 + (len(passages) - found + 0.5) / (found + 0.5))

    return rarity
