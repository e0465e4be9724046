"""Where the sentences of a text begin and end, English and Chinese; knows nothing of documents or tokens."""

from __future__ import annotations

import re

Span = tuple[int, int]  # start, end

# A full stop ends a sentence before white space and a capital, digit, quote or CJK sign, so that "3.5", "e.g. the"
# and "v1.2" stay whole; Chinese stops end one anywhere; a line break ends one always (headings, table rows, lists).
_END = re.compile(r"[。！？；]+[”’」』）]*|(?<=[.!?])[\"”’)\]]*(?=\s+[\"“‘(\[]?[A-Z0-9\u4e00-\u9fff-])|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|Inc|Ltd|Co|No|Nos|vs|Fig|approx|St|e\.g|i\.e)|\b[A-Z])\.$"
)


def sentence_spans(text: str) -> list[Span]:
    """Spans `(start, end)` of the sentences, in order, without the white space around them."""
    spans, start = [], 0
    for match in _END.finditer(text):
        end = match.end()
        if _ABBREVIATION.search(text, start, end) and "\n" not in match.group():
            continue
        spans.append((start, end))
        start = end
    spans.append((start, len(text)))
    return [span for span in (_strip(text, *pair) for pair in spans) if span[0] < span[1]]


def _strip(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
