"""What a reader holds of the chunks: columns in mapped files of a generation; texts are decoded when asked for."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.columns import TextTable, TextWriter, byte_places, encoded, join_texts, map_rows, write_texts
from rag.runs import Places, Runs, interleave
from rag.schema import Chunk, Document, Heading, Page

_ROW = np.dtype(
    [("document", "<i4"), ("page", "<i4"), ("heading", "<i4"), ("start", "<i4"), ("end", "<i4")]
    + [("first_byte", "<i8"), ("last_byte", "<i8")]
)
_ROWS = "chunks.rows"
_TEXTS, _HEADINGS, _SOURCES, _DESCRIBED, _OUTLINES = (
    "texts.utf8", "headings.utf8", "sources.utf8", "documents.json", "outlines.json",
)  # fmt: skip
NO_PAGE = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A document as it is listed: everything but its text."""

    source: str
    characters: int
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk stands in its document, in characters."""

    start: int
    end: int
    page: int | None
    heading: str


class Passages:
    """The chunks of all documents by position, in the order of sources and places. Files may be deleted meanwhile."""

    def __init__(self, folder: Path) -> None:
        size = (folder / _ROWS).stat().st_size
        if size % _ROW.itemsize:
            raise ValueError(f"{folder / _ROWS} is damaged: it ends within a row")
        rows = map_rows(folder / _ROWS, _ROW, size // _ROW.itemsize)
        # The columns that filters go through are copied: they stand side by side then.
        self.document_of: NDArray[np.int32] = np.ascontiguousarray(rows["document"])
        self.page_of: NDArray[np.int32] = np.ascontiguousarray(rows["page"])
        self.rows = rows
        self.texts, self.headings = TextTable(folder / _TEXTS), TextTable(folder / _HEADINGS)
        self._outlines = TextTable(folder / _OUTLINES)
        self.documents = Documents(TextTable(folder / _SOURCES), TextTable(folder / _DESCRIBED))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> Chunk:
        return self.joined(position, position)

    def joined(self, first: int, last: int) -> Chunk:
        """All from one chunk to a later one of the same document, as one; page and heading are those of the first."""
        row, end = self.rows[first], self.rows[last]
        listed = self.documents[int(row["document"])]
        return Chunk(
            source=listed.source,
            text=self.texts.cut(int(row["first_byte"]), int(end["last_byte"])),
            start=int(row["start"]),
            end=int(end["end"]),
            page=int(row["page"]) or None,
            heading=self.headings[int(row["heading"])],
            metadata=listed.metadata,
        )

    def __iter__(self) -> Iterator[Chunk]:
        return (self[position] for position in range(len(self)))

    def of_document(self, number: int) -> range:
        """The positions of the chunks of a document, in the order of its text."""
        first, last = np.searchsorted(self.document_of, [number, number + 1])
        return range(int(first), int(last))

    def starts(self) -> Places:
        """The position of each document's first chunk, and at the end how many chunks there are."""
        starts: Places = np.searchsorted(self.document_of, np.arange(len(self.documents) + 1)).astype(
            np.int64
        )
        return starts

    def number_of(self, source: str) -> int | None:
        """The number of a document, None when there is none of that name."""
        return self.documents.number_of(source)

    def document(self, source: str) -> Document | None:
        """The whole document with its pages and headings, None when there is none of that name."""
        number = self.number_of(source)
        if number is None:
            return None
        pages, headings = json.loads(self._outlines[number])
        return Document(
            text=self.texts[number],
            source=source,
            pages=tuple(Page(number=n, start=s, end=e) for n, s, e in pages),
            headings=tuple(Heading(path=path, start=start) for path, start in headings),
            metadata=self.documents[number].metadata,
        )


class Documents(Sequence[Listed]):
    """All documents by number, in the order of their sources; each is decoded once."""

    def __init__(self, sources: TextTable, described: TextTable) -> None:
        self._sources, self._described = sources, described
        self._known: list[Listed | None] = [None] * len(sources)

    def __len__(self) -> int:
        return len(self._known)

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[index] for index in range(*number.indices(len(self)))]
        found = self._known[number]
        if found is None:
            number %= len(self)
            characters, metadata = json.loads(self._described[number])
            found = Listed(source=self._sources[number], characters=characters, metadata=metadata)
            self._known[number] = found
        return found

    def number_of(self, source: str) -> int | None:
        """By bisection; None when no document has that name."""
        number = self.place_of(source)
        return number if number < len(self) and self._sources[number] == source else None

    def place_of(self, source: str) -> int:
        """How many documents stand before one of that name."""
        # As SQLite sorts them: by their bytes.
        wanted = encoded(source)
        return bisect_left(range(len(self)), wanted, key=lambda index: encoded(self._sources[index]))


def write_passages(folder: Path, documents: Iterable[tuple[Document, Sequence[Place]]]) -> int:
    """Write documents, which come in the order of their sources, with their chunks; returns how many chunks."""
    folder.mkdir(parents=True, exist_ok=True)
    headings: dict[str, int] = {}
    count = 0
    with ExitStack() as files:
        rows = files.enter_context((folder / _ROWS).open("wb"))
        texts, sources, described, outlines, paths = (
            TextWriter(files.enter_context((folder / name).open("wb")))
            for name in (_TEXTS, _SOURCES, _DESCRIBED, _OUTLINES, _HEADINGS)
        )
        for document, places in documents:
            data, base = encoded(document.text), texts.size
            number = texts.add(data)
            sources.add(encoded(document.source))
            described.add(_json([len(document.text), dict(document.metadata)]))
            outlines.add(_json(_outline(document)))
            for place in places:
                if place.heading not in headings:
                    headings[place.heading] = paths.add(encoded(place.heading))
            rows.write(_rows(document, data, base, number, places, headings).tobytes())
            count += len(places)
        for table in (texts, sources, described, outlines, paths):
            table.finish()
    return count


def join_passages(folder: Path, old: Path, added: Path, left_out: Iterable[str]) -> Runs:
    """Write the passages of both folders without the old documents that are `left_out`.

    The files are what `write_passages` would make of these documents. Returns which chunk comes from where;
    ValueError when a document to leave out is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    documents = _order(Passages(old).documents, Passages(added).documents, left_out)
    for name in (_TEXTS, _SOURCES, _DESCRIBED, _OUTLINES):
        join_texts(folder / name, TextTable(old / name), TextTable(added / name), documents)
    before, after = Passages(old), Passages(added)
    chunks = documents.through(before.starts(), after.starts())
    texts = documents.through(before.texts.starts, after.texts.starts)
    rows = chunks.join(before.rows, after.rows)
    rows["document"] += np.repeat(documents.shifts(), chunks.lengths()).astype(np.int32)
    for column in ("first_byte", "last_byte"):
        rows[column] += np.repeat(texts.shifts(), chunks.lengths())
    rows["heading"] = _join_headings(folder / _HEADINGS, before, after, chunks)
    (folder / _ROWS).write_bytes(rows.tobytes())
    return chunks


def _order(old: Documents, added: Documents, left_out: Iterable[str]) -> Runs:
    """Documents by their sources."""
    gone = [old.number_of(source) for source in left_out]
    if None in gone:
        raise ValueError("a document that was removed is missing among the passages")
    places = [old.place_of(listed.source) for listed in added]
    return interleave(len(old), np.array(gone, dtype=np.int64), np.array(places, dtype=np.int64))


def _join_headings(path: Path, old: Passages, added: Passages, chunks: Runs) -> NDArray[np.int32]:
    """Headings that are still used, in the order of their first use; returns the one of each chunk."""
    texts = [table[number] for table in (old.headings, added.headings) for number in range(len(table))]
    known = {text: number for number, text in reversed(list(enumerate(texts)))}
    numbers = np.array([known[text] for text in texts], dtype=np.int32)  # of equal ones the first
    used = chunks.join(
        numbers[old.rows["heading"]], numbers[added.rows["heading"] + np.int32(len(old.headings))]
    )
    found, first, which = np.unique(used, return_index=True, return_inverse=True)
    order = np.argsort(first)
    write_texts(path, (encoded(texts[number]) for number in found[order].tolist()))
    ranks = np.empty(len(order), dtype=np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    return ranks[which]


def _rows(
    document: Document,
    data: bytes,
    base: int,
    number: int,
    places: Sequence[Place],
    headings: Mapping[str, int],
) -> NDArray[Any]:
    rows = np.zeros(len(places), dtype=_ROW)
    rows["document"] = number
    rows["page"] = [place.page or NO_PAGE for place in places]
    rows["heading"] = [headings[place.heading] for place in places]
    starts = np.asarray([place.start for place in places], dtype=np.int64)
    ends = np.asarray([place.end for place in places], dtype=np.int64)
    rows["start"], rows["end"] = starts, ends
    rows["first_byte"] = base + byte_places(document.text, data, starts)
    rows["last_byte"] = base + byte_places(document.text, data, ends)
    return rows


def _outline(document: Document) -> list[Any]:
    return [
        [[page.number, page.start, page.end] for page in document.pages],
        [[heading.path, heading.start] for heading in document.headings],
    ]


def _json(value: Any) -> bytes:
    return encoded(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
