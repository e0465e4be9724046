"""Documents to chunks of whole sentences and table rows that know their exact place in the source."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rag.schema import Chunk, Document
from rag.sentences import sentence_spans
from rag.table_heads import TableHead, table_heads

CountTokens = Callable[[str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A sentence, a table row, or a part of one that is longer than a chunk may be."""

    start: int
    end: int
    tokens: int


def split_document(
    document: Document, count_tokens: CountTokens, chunk_tokens: int = 180, overlap_tokens: int = 30
) -> list[Chunk]:
    """Chunks of at most `chunk_tokens`, each within one section and page, overlapping by whole sentences.

    A sentence that runs over a page break belongs to the page where it begins, so every chunk has one page.

    A chunk that begins within a Markdown table has the names of its columns at the end of its heading.

    `document.text[chunk.start:chunk.end] == chunk.text` always. Tokens are counted sentence by sentence; a
    tokenizer that counts more for the joined text than for its parts makes the chunk shrink, never overflow.
    """
    check_sizes(chunk_tokens, overlap_tokens)
    chunks: list[Chunk] = []
    tables = table_heads(document.text)
    for start, end, heading in _sections(document):
        found = _pieces(document.text, start, end, count_tokens, chunk_tokens)
        for page, on_page in groupby(found, key=lambda piece: _page(document, piece.start)):
            pieces = list(on_page)
            for first, last in _windows(document.text, pieces, count_tokens, chunk_tokens, overlap_tokens):
                begin = pieces[first].start
                names = _under_names(tables, begin, heading)
                chunks.append(_chunk(document, begin, pieces[last].end, page, names))
    return chunks


def check_sizes(chunk_tokens: int, overlap_tokens: int) -> None:
    """ValueError for sizes that no text can be cut to."""
    if chunk_tokens < 8:
        raise ValueError(f"chunk_tokens={chunk_tokens} is too small; choose at least 8.")
    if not 0 <= overlap_tokens < chunk_tokens:
        raise ValueError(f"overlap_tokens={overlap_tokens} must be from 0 to {chunk_tokens - 1}.")


def _chunk(document: Document, start: int, end: int, page: int | None, heading: str) -> Chunk:
    return Chunk(
        source=document.source,
        text=document.text[start:end],
        start=start,
        end=end,
        page=page,
        heading=heading,
        metadata=dict(document.metadata),
    )


def _under_names(tables: Sequence[TableHead], position: int, heading: str) -> str:
    """The heading of a chunk that begins among the rows of a table ends with the names of its columns."""
    index = bisect_right([table.start for table in tables], position) - 1
    if index < 0 or position >= tables[index].end:
        return heading
    return f"{heading} > {tables[index].names}" if heading else tables[index].names


def _page(document: Document, position: int) -> int | None:
    """The number of the page on which a character stands; None in a document without pages."""
    index = bisect_right([page.start for page in document.pages], position) - 1
    return document.pages[index].number if index >= 0 else None


def _sections(document: Document) -> Iterator[tuple[int, int, str]]:
    """Stretches under one heading; headings without a text of their own go with the one that follows."""
    marks = [(heading.start, heading.path) for heading in document.headings]
    if not marks or marks[0][0] > 0:
        marks.insert(0, (0, ""))
    ends = [start for start, _ in marks[1:]] + [len(document.text)]
    pending: int | None = None
    for (start, path), end in zip(marks, ends, strict=True):
        begin = start if pending is None else pending
        only_heading = "\n" not in document.text[start:end].strip() and end < len(document.text) and path
        pending = begin if only_heading else None
        if pending is None:
            yield begin, end, path


def _pieces(text: str, start: int, end: int, count: CountTokens, limit: int) -> Iterator[_Piece]:
    for left, right in sentence_spans(text[start:end]):
        yield from _fitting(text, start + left, start + right, count, limit)


def _fitting(text: str, start: int, end: int, count: CountTokens, limit: int) -> Iterator[_Piece]:
    """The span itself, or its halves cut at the best place near the middle until each fits."""
    tokens = count(text[start:end])
    if tokens <= limit or end - start < 2:
        yield _Piece(start=start, end=end, tokens=tokens)
        return
    middle = _cut_place(text, start, end)
    yield from _fitting(text, start, middle, count, limit)
    yield from _fitting(text, middle, end, count, limit)


def _cut_place(text: str, start: int, end: int) -> int:
    """After a clause sign, else at a space, else anywhere: the nearest to the middle within its half."""
    middle = (start + end) // 2
    reach = (end - start) // 4
    for signs in ("；;，,、:：", " \t"):
        places = [
            place + 1
            for place in range(max(middle - reach, start), min(middle + reach, end - 1))
            if text[place] in signs
        ]
        if places:
            return min(places, key=lambda place: abs(place - middle))
    return max(middle, start + 1)


def _windows(
    text: str, pieces: Sequence[_Piece], count: CountTokens, limit: int, overlap: int
) -> Iterator[tuple[int, int]]:
    """Spans (first, last) of pieces that fill a chunk; each repeats up to `overlap` tokens of the last."""
    first = 0
    while first < len(pieces):
        last, tokens = first, pieces[first].tokens
        while last + 1 < len(pieces) and tokens + pieces[last + 1].tokens <= limit:
            last += 1
            tokens += pieces[last].tokens
        while last > first and count(text[pieces[first].start : pieces[last].end]) > limit:
            last -= 1
        yield first, last
        if last + 1 >= len(pieces):
            return
        first = _overlapping_start(pieces, first, last, limit, overlap)


def _overlapping_start(pieces: Sequence[_Piece], first: int, last: int, limit: int, overlap: int) -> int:
    """Where the next chunk starts: back by whole pieces, past `first`, with room for a new piece."""
    start, shared = last + 1, 0
    room = min(overlap, limit - pieces[last + 1].tokens)
    while start - 1 > first and shared + pieces[start - 1].tokens <= room:
        start -= 1
        shared += pieces[start].tokens
    return start
