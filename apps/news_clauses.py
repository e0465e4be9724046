"""Sentences of a news text, the clauses in them, and parts of a length that can be scored (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from apps.news_words import limit
from rag.sentences import Span, sentence_spans

# A comma inside a figure ("1,200") ends nothing.
_CLAUSE = re.compile(r"[，；,;](?!\d)\s*|\s+(?:but|while|whereas|although)\s+|(?=但是?|而(?!且)|然而)")


def clause_spans(text: str, sentence: Span) -> list[Span]:
    """The clauses of one sentence, without the signs that part them."""
    start, end = sentence
    found, at = [], start
    for match in _CLAUSE.finditer(text, start, end):
        if match.start() > at:
            found.append((at, match.start()))
        at = match.end()
    if at < end:
        found.append((at, end))
    return [span for span in found if text[slice(*span)].strip()]


def shortened(text: str, sentence: Span, language: str, needed: Sequence[Span]) -> Span:
    """The sentence, or where it is long the clauses from the first to the last that fits of those with `needed`."""
    most = limit(f"fact_{language}")
    if sentence[1] - sentence[0] <= most or not needed:
        return sentence
    holding = [
        clause
        for clause in clause_spans(text, sentence)
        if any(clause[0] <= start < clause[1] for start, _ in needed)
    ]
    if not holding:
        return sentence
    start = holding[0][0]
    end = max((stop for _, stop in holding if stop - start <= most), default=holding[0][1])
    return start, end


def part_spans(text: str, language: str) -> list[list[Span]]:
    """The sentences of the text in runs that are about as long as the texts which were learned from."""
    most = limit(f"part_{language}")
    parts: list[list[Span]] = []
    for span in sentence_spans(text):
        if parts and span[1] - parts[-1][0][0] <= most:
            parts[-1].append(span)
        else:
            parts.append([span])
    return parts
