"""Reads the numbers of a text as quantities, so that 30 %, 三成 and "thirty per cent" are one (pure).

Knows digits, English and Chinese number words, multiples (million, 万, 亿), percent, dates, quarters and common units.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.units import MULTIPLES, UNITS


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value in the base unit of its kind ("m", "%", "EUR"; "Y", "M", "D" for parts of a date; "" for none)."""

    value: float
    kind: str
    start: int
    end: int
    counts: bool = False  # a word that is no unit follows: "30 people" is no 30 %


_ONES = (
    *(
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SPOKEN = {word: value for value, word in enumerate(_ONES)}
_SPOKEN |= {word: 20 + 10 * place for place, word in enumerate(_TENS)}
_SPOKEN |= {"hundred": 100, "thousand": 1000, "dozen": 12}
_HAN = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_HAN_STEPS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_NO_NUMBERS = {"万一", "千万", "十分", "百万富翁", "一一", "一千零一夜", "五四", "七七"}
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH = "|".join(f"{name}|{name[:3]}" for name in _MONTHS) + "|sept"

_DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_WORD = "|".join(sorted(_SPOKEN, key=len, reverse=True))
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_MULTIPLE = "|".join(sorted(MULTIPLES, key=len, reverse=True))
_NUMBER = re.compile(
    r"(?P<sign>[$€£¥￥]\s?)?"
    rf"(?:(?<![\d.])(?P<digits>{_DIGITS})|\b(?P<words>(?:{_WORD})(?:(?:[\s-]+(?:and\s+)?)(?:{_WORD}))*)\b"
    r"|百分之(?P<share>[零〇一二两三四五六七八九十百点]+|\d+(?:\.\d+)?)"
    r"|(?P<tenths>[一二三四五六七八九])成(?P<half>半)?(?!为|立|功|本|员|长|果|都|交|分|年)"
    r"|(?P<han>[零〇一二两三四五六七八九十百千万亿]+))"
    rf"(?P<multiple>\s?(?:{_MULTIPLE})(?![A-Za-z]))?"
    rf"(?P<unit>[\s-]?(?:{_UNIT})(?![A-Za-z]))?"
    r"(?P<noun>\s*[^\W\d_])?",
    re.IGNORECASE,
)
_DATES = (
    re.compile(r"(?P<Y>\d{4})[-/.](?P<M>\d{1,2})[-/.](?P<D>\d{1,2})(?!\d)"),
    re.compile(rf"(?P<D>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<name>{_MONTH})\b\.?,?(?:\s+(?P<Y>\d{{4}}))?", re.I),
    re.compile(
        rf"\b(?P<name>{_MONTH})\b\.?\s+(?P<D>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\s*(?:%|percent))(?:,?\s+(?P<Y>\d{{4}}))?",
        re.I,
    ),
    re.compile(rf"\b(?P<name>{_MONTH})\b\.?,?\s+(?P<Y>\d{{4}})\b", re.I),
    re.compile(r"(?P<Y>(?:19|20)\d{2}|[一二][〇零一二三四五六七八九]{3})\s*年(?:\s*(?P<M>\d{1,2}|[一二三四五六七八九十]+)\s*月(?!份?内))?"
               r"(?:\s*(?P<D>\d{1,2}|[一二三四五六七八九十]+)\s*[日号])?"),
    re.compile(r"(?<!\d)(?P<M>\d{1,2}|[一二三四五六七八九十]+)\s*月(?:份|\s*(?P<D>\d{1,2}|[一二三四五六七八九十]+)\s*[日号])?"),
    re.compile(r"(?<![A-Za-z\d])Q(?P<Q>[1-4])(?![A-Za-z\d])|(?<!\d)(?P<Q2>[1-4])Q(?![A-Za-z\d])|第?(?P<Q3>[一二三四])季度"
               r"|\b(?P<Q4>first|second|third|fourth)[ -]quarter\b", re.I),
    re.compile(r"(?<![\d.,$€£¥￥])(?P<Y>(?:19|20)\d{2})(?![\d%]|[.,]\d|\s*(?:%|percent|per cent))"),
)  # fmt: skip


def quantities(text: str) -> list[Quantity]:
    """The quantities of a text by their place; a date gives one for its year, its month and its day."""
    found: list[Quantity] = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            if not _taken(found, match.start(), match.end()):
                found += _dated(match)
    dates = list(found)
    for match in _NUMBER.finditer(text):
        if not _taken(dates, match.start(), match.end("unit") if match["unit"] else match.start() + 1):
            found += _measured(match)
    return sorted(found, key=lambda quantity: quantity.start)


def _taken(found: list[Quantity], start: int, end: int) -> bool:
    return any(quantity.start < end and start < quantity.end for quantity in found)


def _dated(match: re.Match[str]) -> list[Quantity]:
    parts = {key: value for key, value in match.groupdict().items() if value}
    if name := parts.pop("name", ""):
        starts = [month[:3] for month in _MONTHS]
        parts["M"] = str(starts.index(name[:3].lower()) + 1)
    values = [(key[0], _date_value(value)) for key, value in parts.items()]
    return [Quantity(value, kind, *match.span()) for kind, value in values if value is not None]


def _date_value(text: str) -> float | None:
    ordinals = ("first", "second", "third", "fourth")
    if text.lower() in ordinals:
        return float(ordinals.index(text.lower()) + 1)
    return float(text) if text.isdigit() else _han_value(text)


def _measured(match: re.Match[str]) -> list[Quantity]:
    value = _value(match)
    if value is None:
        return []
    multiple = (match["multiple"] or "").strip().lower()
    unit = (match["unit"] or "").strip(" -").lower()
    if match["han"] and not (multiple or unit) and (len(match["han"]) == 1 or match["han"] in _NO_NUMBERS):
        return []
    if match["words"] and match["words"].lower() in ("one", "zero") and not (multiple or unit):
        return []
    value *= MULTIPLES.get(multiple, 1.0)
    kind, factor = UNITS.get(unit, ("", 1.0))
    if match["share"] or match["tenths"]:
        kind, factor = "%", 1.0
    elif match["sign"] and not kind:
        kind, factor = UNITS[match["sign"].strip()]
    counts = not kind and bool(match["noun"])
    end = match.start("noun") if match["noun"] else match.end()
    return [Quantity(value * factor, kind, match.start(), end, counts)]


def _value(match: re.Match[str]) -> float | None:
    if match["digits"]:
        return float(match["digits"].replace(",", ""))
    if match["words"]:
        return _spoken_value(match["words"])
    if match["share"]:
        share: str = match["share"]
        return float(share) if share[0].isdigit() else _han_value(share)
    if match["tenths"]:
        return 10.0 * _HAN[match["tenths"]] + (5.0 if match["half"] else 0.0)
    return _han_value(match["han"])


def _spoken_value(words: str) -> float:
    total = 0.0
    for word in re.findall(r"[a-z]+", words.lower()):
        step = _SPOKEN.get(word)
        if step is None:  # "and"
            continue
        total = max(total, 1.0) * step if step in (100, 1000) or word == "dozen" else total + step
    return total


def _han_value(text: str) -> float | None:
    """二十五 -> 25, 二〇二四 -> 2024, 三点五 -> 3.5; None for signs that make no number."""
    whole, _, rest = text.partition("点")
    if rest:
        tail = "".join(str(_HAN[sign]) for sign in rest if sign in _HAN)
        head = _han_value(whole)
        return None if head is None or not tail else float(f"{int(head)}.{tail}")
    if all(sign in _HAN for sign in text):
        return float("".join(str(_HAN[sign]) for sign in text))
    total = section = digit = 0.0
    for sign in text:
        if sign in _HAN:
            digit = _HAN[sign]
        elif _HAN_STEPS[sign] >= 10_000:
            total = (total + section + digit or 1.0) * _HAN_STEPS[sign]
            section = digit = 0.0
        else:
            section += (digit or 1.0) * _HAN_STEPS[sign]
            digit = 0.0
    return total + section + digit
