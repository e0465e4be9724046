"""Replaces personal data in text by its kind, "[email]" or "[phone]"; names and addresses cannot be found reliably.

What `advisor.personal_data` counts is replaced, and more: a mask may rather hide a number too many, so the word before
a number does not excuse it, and numbers of any form are hidden after a word such as "phone" or "身份证".
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from advisor.personal_data import personal_places
from apps.feedback import Feedback

Place = tuple[int, int, str]  # start and end in characters, kind
NAMES = {"resident_id": "id number", "card": "bank card", "ip": "ip address"}  # as they stand in the text
# Other forms of the same characters, each one character long, so that places stay where they are.
_PLAIN: dict[int, int | str] = {
    **{0xFF01 + place: 0x21 + place for place in range(94)},  # full width
    **dict.fromkeys((0x00A0, 0x2007, 0x202F, 0x3000), " "),
    **dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2212), "-"),
}
_NUMBER = r"[+(]?\d(?:[ ()./-]{0,2}\d){5,18}"
_LINK = r"(?:[\s:：,，=#-]|号码?|是|为|\b(?:number|num|no|nr|is|at|on|me)\b\.?){0,6}"
# A number after one of these words is personal whatever its form.
_CUED: Mapping[str, re.Pattern[str]] = {
    kind: re.compile(rf"(?i)(?:{words}){_LINK}(?P<found>{number})")
    for kind, words, number in (
        (
            "phone",
            r"\b(?:phone|telephone|tel|mobile|cell|fax|whatsapp|call|telefon|handy)\b\.?|电话|手机|传真|座机|联系方式",
            _NUMBER,
        ),
        (
            "resident_id",
            r"\b(?:id|identity|passport) ?card|\bpassport\b|身份证|护照",
            r"[A-Za-z]{0,3}\d[\dXx -]{5,22}",
        ),
        (
            "card",
            r"\b(?:card|account) ?(?:number|no\b\.?)|银行卡|信用卡|卡号|账号|账户",
            r"\d(?:[ -]?\d){7,22}",
        ),
    )
}
_NATIONAL = re.compile(
    r"(?<![\d.+/-])(?:0\d{1,4}[ /-]\d[\d /-]{4,11}\d|\(0\d{1,4}\) ?\d[\d -]{4,10}\d"
    r"|[2-9]\d{2}[-. ]\d{3}[-. ]\d{4})(?![\d-])"
)
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){3,7}(?![\w:])")


def mask_text(text: str) -> tuple[str, Counter[str]]:
    """The text with its personal data replaced, and how many places of each kind there were."""
    pieces, at, found = [], 0, Counter[str]()
    for start, end, kind in sorted(_places(text.translate(_PLAIN)), key=lambda place: (place[0], -place[1])):
        if start < at:  # inside what is hidden already
            continue
        pieces += [text[at:start], f"[{NAMES.get(kind, kind)}]"]
        found[kind] += 1
        at = end
    return "".join([*pieces, text[at:]]), found


def mask_feedback(feedback: Feedback) -> tuple[Feedback, Counter[str]]:
    """A row whose question, conversation, sources, answer and correction are masked."""
    found: Counter[str] = Counter()

    def mask(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        text, kinds = mask_text(value)
        found.update(kinds)
        return text

    def each(records: tuple[Mapping[str, Any], ...]) -> tuple[Mapping[str, Any], ...]:
        return tuple({name: mask(value) for name, value in record.items()} for record in records)

    hidden = replace(
        feedback,
        question=mask(feedback.question),
        answer=mask(feedback.answer),
        correction=mask(feedback.correction),
        history=each(feedback.history),
        hits=each(feedback.hits),
        prompt=each(feedback.prompt),
    )
    return hidden, found


def _places(text: str) -> Iterator[Place]:
    utf8 = text.encode("utf-8", "replace")
    for start, end, kind in personal_places(utf8, strict=False):
        first = len(utf8[:start].decode("utf-8"))
        yield first, first + len(utf8[start:end].decode("utf-8")), kind
    for kind, pattern in _CUED.items():
        yield from ((*match.span("found"), kind) for match in pattern.finditer(text))
    yield from ((*match.span(), "phone") for match in _NATIONAL.finditer(text))
    yield from ((*match.span(), "ip") for match in _IPV6.finditer(text) if _is_ipv6(match[0]))


def _is_ipv6(text: str) -> bool:
    try:
        return not ipaddress.IPv6Address(text).is_unspecified
    except ValueError:
        return False
