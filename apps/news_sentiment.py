"""Sentiment of a news text by the shipped weights, and the spans without which it would be less sure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from apps.news_clauses import clause_spans, part_spans
from apps.news_reading import CHINESE_LABELS, Company, Quote, Reason, Sentiment, quote_at
from apps.news_weights import Weights, read_weights
from apps.news_words import is_finance, limit
from apps.numbers_of import numbers_of
from rag.sentences import Span, sentence_spans
from rag.words import tokenize

_ENGLISH_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*|\d[\d.,]*\s?%?")


def sentiment(text: str, language: str) -> Sentiment:
    """The label with its confidence and reasons; neutral and unsure for what is no finance news."""
    weights = read_weights(language)
    if not is_finance(text, language):
        return Sentiment(label="neutral", label_zh=CHINESE_LABELS["neutral"], confidence=0.0, unsure=True)
    parts = part_spans(text, language)
    found = _Parts(text, parts, weights)
    label = weights.labels[int(found.shares.argmax())]
    sure = float(found.shares.max())
    return Sentiment(
        label=label,
        label_zh=CHINESE_LABELS[label],
        confidence=round(sure, 3),
        unsure=sure < numbers_of("news")["limits"]["unsure"],
        reasons=_reasons(found, label),
    )


class _Parts:
    """The log-odds of each part of a text; what is left out changes only the part that it stands in."""

    def __init__(self, text: str, parts: list[list[Span]], weights: Weights) -> None:
        self.text, self.parts, self.weights = text, parts, weights
        texts = [text[part[0][0] : part[-1][1]] for part in parts]
        self.logits = weights.logits(texts)
        self.sizes = np.array([len(part) for part in texts], dtype=np.float64)
        self.shares = softmax(self.sizes @ self.logits / self.sizes.sum())

    def without(self, number: int, spans: Sequence[Span]) -> Any:
        """Shape (spans, labels): the shares of the whole text without each of the spans of one part."""
        part = self.parts[number]
        start, end = part[0][0], part[-1][1]
        cut = [f"{self.text[start:left]} {self.text[right:end]}".strip() for left, right in spans]
        changed = self.weights.logits(cut)
        whole = []
        for row, left in zip(changed, cut, strict=True):
            logits, sizes = self.logits.copy(), self.sizes.copy()
            logits[number], sizes[number] = row, len(left)
            whole.append(softmax(sizes @ logits / max(sizes.sum(), 1)))
        return np.array(whole)


def softmax(logits: Any) -> Any:
    raised = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def _reasons(found: _Parts, label: str) -> tuple[Reason, ...]:
    """The sentences whose removal lowers the label's share most, those that raise it left out."""
    place = found.weights.labels.index(label)
    before = float(found.shares[place])
    drops: list[tuple[float, int, Span]] = []
    for number, part in enumerate(found.parts):
        spans = part if sum(map(len, found.parts)) > 1 else (clause_spans(found.text, part[0]) or part)
        after = found.without(number, spans)[:, place]
        drops += [(before - float(left), number, span) for left, span in zip(after, spans, strict=True)]
    drops = sorted((drop for drop in drops if drop[0] > 0.001), key=lambda drop: -drop[0])[: limit("reasons")]
    return tuple(
        Reason(
            quote=found.text[slice(*span)],
            start=span[0],
            end=span[1],
            weight=round(weight, 3),
            words=_words(found, number, span, place, before),
        )
        for weight, number, span in drops
    )


def _words(found: _Parts, number: int, span: Span, place: int, before: float) -> tuple[Quote, ...]:
    spans = _word_spans(found.text, span, found.weights.language)
    if not spans:
        return ()
    drops = before - found.without(number, spans)[:, place]
    best = sorted(range(len(spans)), key=lambda at: -drops[at])[: limit("words")]
    kept = sorted(spans[at] for at in best if drops[at] > 0)
    return tuple(quote_at(found.text, *word) for word in kept)


def _word_spans(text: str, span: Span, language: str) -> list[Span]:
    """The words of a span that may carry a direction; 40 at most are tried."""
    if language == "en":
        found = [match.span() for match in _ENGLISH_WORD.finditer(text, *span) if tokenize(match.group())]
        return found[:40]
    spans, at = [], span[0]
    for word in tokenize(text[slice(*span)]):
        place = text.find(word, at, span[1])
        if place >= 0 and len(word) > 1:
            spans.append((place, place + len(word)))
            at = place + len(word)
    return spans[:40]


def company_directions(
    text: str, language: str, names: Mapping[str, Sequence[Quote]], whole: Sentiment
) -> tuple[Company, ...]:
    """Each company with what the clauses that name it say; a company alone has the direction of the text."""
    weights = read_weights(language)
    found = []
    for name, places in names.items():
        label, sure = whole.label, whole.confidence
        if len(names) > 1:
            around = " ".join(_clauses_of(text, places))
            label, sure = _direction(weights, around)
        found.append(
            Company(
                name=name,
                mentions=tuple(places),
                label=label,
                label_zh=CHINESE_LABELS[label],
                confidence=sure,
            )
        )
    return tuple(found)


def _direction(weights: Weights, text: str) -> tuple[str, float]:
    """ "mixed" is said of texts, not of one company: the three directions share what it had."""
    logits = weights.logits([text])[0]
    kept = [at for at, label in enumerate(weights.labels) if label != "mixed"]
    shares = softmax(logits[kept])
    best = int(shares.argmax())
    return weights.labels[kept[best]], round(float(shares[best]), 3)


def _clauses_of(text: str, places: Sequence[Quote]) -> list[str]:
    clauses = [span for sentence in sentence_spans(text) for span in clause_spans(text, sentence)]
    return [
        text[slice(*span)] for span in clauses if any(span[0] <= place.start < span[1] for place in places)
    ]
