"""The sentences of a news text that can be checked, the figures, dates, companies and events in them (pure)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from apps.news_clauses import clause_spans, shortened
from apps.news_reading import Fact, Part, Quote
from apps.news_words import limit, pattern
from apps.numbers_of import numbers_of
from rag.quantities import quantities
from rag.sentences import Span, sentence_spans

_DATES = ("Y", "M", "D", "Q")
_MONEY = ("USD", "EUR", "GBP", "CNY", "JPY", "HKD")
_TIMES = ("s", "months", "workdays")  # a length of time is no date and no amount


def facts(text: str, language: str, names: Mapping[str, Sequence[Quote]]) -> tuple[Fact, ...]:
    """The most salient ones, in the order of the text. Their spans never overlap."""
    found = []
    for number, sentence in enumerate(sentence_spans(text)):
        parts = _parts(text, sentence, language, names)
        if _weighs(parts):
            found.append(_fact(text, sentence, language, parts, first=number == 0))
    best = sorted(found, key=lambda fact: -fact.salience)[: limit("facts")]
    return tuple(sorted(best, key=lambda fact: fact.start))


def _weighs(parts: Sequence[Part]) -> bool:
    """A date or a company's name alone says nothing."""
    return any(part.kind not in ("date", "company") for part in parts)


def _fact(text: str, sentence: Span, language: str, parts: list[Part], *, first: bool) -> Fact:
    places = [(part.start, part.end) for part in parts]
    start, end = shortened(text, sentence, language, places)
    inside = tuple(part for part in parts if start <= part.start and part.end <= end)
    kinds = tuple(dict.fromkeys(part.kind.split(":")[0] for part in inside))
    return Fact(
        quote=text[start:end],
        start=start,
        end=end,
        kinds=kinds,
        parts=inside,
        salience=_salience(kinds, inside, first=first),
    )


def _salience(kinds: Sequence[str], parts: Sequence[Part], *, first: bool) -> float:
    weights = numbers_of("news")["salience"]
    counts = Counter(part.kind.split(":")[0] for part in parts)
    total = sum(weights[kind] * min(counts[kind], weights["most_of_a_kind"]) for kind in kinds)
    return round(float(total + (weights["first_sentence"] if first else 0.0)), 2)


def _parts(text: str, sentence: Span, language: str, names: Mapping[str, Sequence[Quote]]) -> list[Part]:
    found = _figures(text, sentence, language)
    tables = numbers_of("news")["events"][language]
    for event in tables:
        found += _matches(text, sentence, pattern("events", event, language), f"event:{event}")
    found += _matches(text, sentence, pattern("guidance", language), "guidance")
    found += [
        Part(kind="company", quote=place.quote, start=place.start, end=place.end)
        for places in names.values()
        for place in places
        if sentence[0] <= place.start and place.end <= sentence[1]
    ]
    return sorted(found, key=lambda part: (part.start, part.end))


def _matches(text: str, sentence: Span, wanted: re.Pattern[str], kind: str) -> list[Part]:
    return [
        Part(kind=kind, quote=match.group(), start=match.start(), end=match.end())
        for match in wanted.finditer(text, *sentence)
    ]


def _figures(text: str, sentence: Span, language: str) -> list[Part]:
    """Amounts, changes and dates; a bare number such as that of a page is none of them."""
    found: dict[Span, str] = {}
    for clause in clause_spans(text, sentence):
        changes = pattern("changes", language).search(text, *clause) is not None
        for quantity in quantities(text[slice(*clause)]):
            place = (clause[0] + quantity.start, clause[0] + quantity.end)
            if kind := _kind(quantity.kind, quantity.counts, quantity.value, changes=changes):
                found.setdefault(place, kind)
    return [_part(text, place, kind) for place, kind in found.items()]


def _part(text: str, place: Span, kind: str) -> Part:
    quote = text[slice(*place)].rstrip()
    return Part(kind=kind, quote=quote, start=place[0], end=place[0] + len(quote))


def _kind(unit: str, counts: bool, value: float, *, changes: bool) -> str:
    if unit in _DATES:
        return "date"
    if unit in ("%", "pp"):
        return "change" if changes else "amount"
    if unit in _TIMES or (not unit and not counts and abs(value) < 1000):
        return ""
    return "amount" if unit or abs(value) >= 10 else ""
