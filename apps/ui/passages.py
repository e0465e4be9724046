"""Text from documents and models as HTML that cannot act: everything is escaped, marks are added after that."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from rag.inert import visible
from rag.schema import Citation, Document, Hit

AROUND = 320  # characters shown on either side of a quote
# Inline, because a page may carry no style sheet of its own; translucent, so that it serves a dark theme too.
_MARK = "background:rgba(15,118,110,.20);color:inherit;border-radius:3px;padding:1px 2px"
_NUMBER = (
    "background:rgba(15,118,110,.16);border-radius:4px;padding:0 5px;margin-left:2px;font-size:.8em;"
    "font-weight:600;white-space:nowrap"
)
_BLOCK = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.6"
_HEAD = "font-weight:600;font-size:1.1em;margin-bottom:.4em"
_QUIET = f"{_BLOCK};font-size:.9em;opacity:.92;border-left:3px solid rgba(15,118,110,.45);padding-left:.8em"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A piece of a source: `text` with its quoted spans in it; `more_before` and `more_after` say what was cut.

    `short` is the span of the short answer, where it stands here.
    """

    number: int
    source: str
    page: int | None
    heading: str
    text: str
    spans: tuple[Span, ...]
    more_before: bool
    more_after: bool
    short: Span | None = None


def passage_of(
    document: Document, citations: Sequence[Citation], short_at: Citation | None = None
) -> Passage:
    """The surroundings of citations of one hit, cut at words; their spans count from the start of the piece."""
    first, last = min(c.start for c in citations), max(c.end for c in citations)
    start, end = _word_start(document.text, first - AROUND), _word_end(document.text, last + AROUND)
    return Passage(
        number=citations[0].number,
        source=citations[0].source,
        page=citations[0].page,
        heading=citations[0].heading,
        text=document.text[start:end],
        spans=tuple(sorted({(c.start - start, c.end - start) for c in citations})),
        more_before=start > 0,
        more_after=end < len(document.text),
        short=(max(short_at.start - start, 0), short_at.end - start) if short_at else None,
    )


def passage_of_hit(number: int, hit: Hit) -> Passage:
    """A found chunk as it is, nothing marked."""
    chunk = hit.chunk
    return Passage(
        number=number,
        source=chunk.source,
        page=chunk.page,
        heading=chunk.heading,
        text=chunk.text,
        spans=(),
        more_before=chunk.start > 0,
        more_after=True,
    )


def passages(
    citations: Sequence[Citation], documents: dict[str, Document], short_at: Citation | None = None
) -> tuple[Passage, ...]:
    """One passage for each cited number, in the order in which the answer names them."""
    numbers = dict.fromkeys(citation.number for citation in citations)
    grouped = [[c for c in citations if c.number == number] for number in numbers]
    return tuple(
        passage_of(
            documents[group[0].source],
            group,
            short_at if short_at and short_at.number == group[0].number else None,
        )
        for group in grouped
    )


def passage_html(passage: Passage) -> str:
    """The passage with its quotes highlighted, and in them the short answer in bold."""
    pieces, at = ["… " if passage.more_before else ""], 0
    for start, end in passage.spans:
        start = max(start, at)  # spans may overlap
        if start >= end:
            continue
        pieces += [
            _shown(passage.text[at:start]),
            f'<mark style="{_MARK}">{_quoted(passage, start, end)}</mark>',
        ]
        at = end
    pieces += [_shown(passage.text[at:]), " …" if passage.more_after else ""]
    return f'<div style="{_QUIET}">{"".join(pieces)}</div>'


def _quoted(passage: Passage, start: int, end: int) -> str:
    first, last = passage.short or (end, end)
    first, last = max(first, start), min(last, end)
    if first >= last:
        return _shown(passage.text[start:end])
    before, short, after = passage.text[start:first], passage.text[first:last], passage.text[last:end]
    return f"{_shown(before)}<strong>{_shown(short)}</strong>{_shown(after)}"


def answer_html(text: str, headline: str = "") -> str:
    """An answer as it was written, with its [n] drawn as marks; no Markdown, so that no document can bring any.

    The headline stands over it, in bold.
    """
    marked = re.sub(r"\s?\[(\d{1,3})\]", rf'<span style="{_NUMBER}">\1</span>', _shown(text))
    over = f'<div style="{_HEAD}">{_shown(headline)}</div>' if headline else ""
    return f'<div style="{_BLOCK}">{over}{marked}</div>'


def note_html(text: str) -> str:
    """A notice of the documents' owner, small and whole."""
    return f'<div style="{_BLOCK};font-size:.85em;opacity:.75">{_shown(text)}</div>'


def plain(text: str) -> str:
    """Text for a place that reads Markdown (a label, a caption): shown as it stands, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(visible(text).split()))


def _shown(text: str) -> str:
    """Escaped, and without what would reorder or hide letters (bidirectional orders, zero width)."""
    return escape(visible(text))


def _word_start(text: str, at: int) -> int:
    if at <= 0:
        return 0
    found = re.compile(r"\s").search(text, at, at + 40)
    return found.end() if found else at


def _word_end(text: str, at: int) -> int:
    if at >= len(text):
        return len(text)
    found = max(text.rfind(space, at - 40, at) for space in (" ", "\n"))
    return found if found > 0 else at
