"""A news text as HTML with its reasons, facts and risks marked; everything is escaped first."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from apps.news_reading import NewsReading, Quote
from rag.inert import visible

_COLOURS = {
    "reason": "rgba(15,118,110,.25)",
    "risk": "rgba(220,80,40,.20)",
    "part": "rgba(90,110,220,.18)",
}
_BLOCK = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.7"
_QUOTE = "border-left:3px solid rgba(15,118,110,.45);padding-left:.7em;margin:.3em 0 .6em 0"
_SMALL = "opacity:.7;font-size:.82em"


def quote_html(quote: Quote, marked: Sequence[Quote], note: str, kind: str = "reason") -> str:
    """One quote with the words in it marked, and a small line of what it is and where it stands."""
    body = _marked(quote.quote, [(q.start - quote.start, q.end - quote.start, kind) for q in marked])
    place = f"{escape(note)} · {quote.start}-{quote.end}" if note else f"{quote.start}-{quote.end}"
    return f'<div style="{_BLOCK};{_QUOTE}">{body}<div style="{_SMALL}">{place}</div></div>'


def text_html(text: str, reading: NewsReading) -> str:
    """The whole text: sentences that are reasons or risks marked, the figures of facts elsewhere."""
    spans = [(reason.start, reason.end, "reason") for reason in reading.sentiment.reasons]
    spans += [(risk.start, risk.end, "risk") for risk in reading.risks]
    spans += [(part.start, part.end, "part") for fact in reading.facts for part in fact.parts]
    return f'<div style="{_BLOCK}">{_marked(text, spans)}</div>'


def _marked(text: str, spans: list[tuple[int, int, str]]) -> str:
    """Of spans that overlap the one that begins first is marked, the longest among equals."""
    pieces, at = [], 0
    for start, end, kind in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start < at:
            continue
        style = f"background:{_COLOURS[kind]};color:inherit;border-radius:3px;padding:1px 2px"
        pieces += [_shown(text[at:start]), f'<mark style="{style}">{_shown(text[start:end])}</mark>']
        at = end
    return "".join([*pieces, _shown(text[at:])])


def _shown(text: str) -> str:
    return escape(visible(text))
