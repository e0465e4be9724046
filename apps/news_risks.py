"""The sentences of a news text that state risks, by the words of news.toml (pure)."""

from __future__ import annotations

import re

from apps.news_reading import Risk
from apps.news_words import limit, pattern
from apps.numbers_of import numbers_of
from rag.sentences import Span, sentence_spans

# 风险提示：… and "Risks: …": what follows is a list of them, up to the end of the line.
_SECTION = re.compile(
    r"(?:风险(?:提示|因素|分析)|主要风险|Risk factors|Key risks|Risks)\s*[:：]?\s*(?=\S)", re.IGNORECASE
)
_ITEM = re.compile(r"[;；。\n]+|(?<!\d)(?=\d[、.)）](?!\d))|(?=[（(]\d[)）])|(?<=[.])\s+")


def risks(text: str, language: str) -> tuple[Risk, ...]:
    """Each sentence, or item of a list of risks, once, in the order of the text."""
    found: list[Risk] = []
    listed: list[Span] = []
    for head in _SECTION.finditer(text):
        end = text.find("\n", head.end())
        if head.group().rstrip().endswith((":", "：")) and not _inside(listed, head.start()):
            listed.append((head.start(), end if end >= 0 else len(text)))
            found += _items(text, head.end(), listed[-1][1], head.group().strip())
    for span in sentence_spans(text):
        if not _inside(listed, span[0]):
            found += _of_sentence(text, span, language)
    return tuple(sorted(found, key=lambda risk: risk.start)[: limit("risks")])


def _inside(spans: list[Span], at: int) -> bool:
    return any(start <= at < end for start, end in spans)


def _items(text: str, start: int, end: int, head: str) -> list[Risk]:
    found, at = [], start
    for match in [*_ITEM.finditer(text, start, end), None]:
        first, last = _trimmed(text, at, match.start() if match else end)
        if last - first > 3:
            found.append(Risk(quote=text[first:last], start=first, end=last, kind="stated", cue=head))
        at = match.end() if match else end
    return found


def _of_sentence(text: str, sentence: Span, language: str) -> list[Risk]:
    start, end = sentence
    no = [match.span() for match in pattern("not_risks", language).finditer(text, start, end)]
    for kind in numbers_of("news")["risks"][language]:
        for match in pattern("risks", kind, language).finditer(text, start, end):
            if not any(begin <= match.start() < stop for begin, stop in no):
                return [Risk(quote=text[start:end], start=start, end=end, kind=kind, cue=match.group())]
    return []


def _trimmed(text: str, start: int, end: int) -> Span:
    while start < end and (text[start].isspace() or text[start] in "：:、，,."):
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
