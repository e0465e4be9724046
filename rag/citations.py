"""Which place in the sources supports which sentence of an answer; verified, never guessed.

A generator marks sentences with [1] or [1][2]. Each mark is checked against the passage it names: a number in
the sentence must stand in the passage, and most of its words too. A mark without support is removed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag.schema import Citation, Hit
from rag.sentences import sentence_spans

MIN_SUPPORT = 0.5  # share of a claim's words that its quote must hold

_MARKS = re.compile(r"\s*(?:[\[【]\s*\d{1,3}(?:\s*[,，、]\s*\d{1,3})*\s*[\]】])+")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?%?")

Tokenize = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """An answer whose remaining marks are all supported; `unsupported` lists the claims that lost theirs."""

    text: str
    citations: tuple[Citation, ...]
    unsupported: tuple[str, ...] = ()


def cite(text: str, hits: Sequence[Hit], tokenize: Tokenize | None = None) -> Cited:
    """Checks every mark of `text` against the hit that it names and returns what holds.

    `tokenize` turns text into comparable words; by default that of the keyword leg.
    """
    words = tokenize or _keyword_tokens()
    pieces: list[str] = []
    citations: list[Citation] = []
    unsupported: list[str] = []
    position = 0
    for match in _MARKS.finditer(text):
        body = text[position : match.start()]
        claim = _last_sentence(body)
        found = [c for n in _numbers(match.group()) if (c := _support(claim, n, hits, words)) is not None]
        pieces.append(body + (" " + "".join(f"[{c.number}]" for c in found) if found else ""))
        citations += found
        if claim and not found:
            unsupported.append(claim)
        position = match.end()
    pieces.append(text[position:])
    return Cited(text="".join(pieces).strip(), citations=tuple(citations), unsupported=tuple(unsupported))


def _keyword_tokens() -> Tokenize:
    from rag.words import tokenize  # loads jieba

    return tokenize


def _numbers(mark: str) -> list[int]:
    return list(dict.fromkeys(int(number) for number in re.findall(r"\d+", mark)))


def _last_sentence(body: str) -> str:
    spans = sentence_spans(body)
    return body[slice(*spans[-1])] if spans else ""


def _support(claim: str, number: int, hits: Sequence[Hit], words: Tokenize) -> Citation | None:
    if not claim or not 1 <= number <= len(hits):
        return None
    chunk = hits[number - 1].chunk
    start, end, support = _best_span(claim, chunk.text, words)
    if support < MIN_SUPPORT:
        return None
    return Citation(
        number=number,
        claim=claim,
        quote=chunk.text[start:end],
        source=chunk.source,
        start=chunk.start + start,
        end=chunk.start + end,
        page=chunk.page,
        heading=chunk.heading,
        support=round(support, 3),
    )


def _best_span(claim: str, passage: str, words: Tokenize) -> tuple[int, int, float]:
    at = passage.find(claim)
    if at >= 0:
        return at, at + len(claim), 1.0
    wanted, numbers = set(words(claim)), set(_NUMBER.findall(claim))
    spans = sentence_spans(passage)
    pairs = [(a[0], b[1]) for a, b in zip(spans, spans[1:], strict=False)]
    best = (0, 0, 0.0)
    for start, end in spans + pairs:
        quote = passage[start:end]
        held = numbers <= set(_NUMBER.findall(quote))
        share = len(wanted & set(words(quote))) / len(wanted) if wanted else 0.0
        # A single sentence is preferred to a pair that supports as much: spans come before pairs.
        if held and share > best[2]:
            best = (start, end, share)
    return best
