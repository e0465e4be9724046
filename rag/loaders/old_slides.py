"""PPT: the texts of slides and notes of PowerPoint 97 to 2003, from the records of its stream."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import olefile

from rag.loaders.blocks import Block, assemble, titled
from rag.schema import Document

# Types of records, [MS-PPT] 2.13.24.
_LIST, _PERSIST, _HEADER, _WIDE, _NARROW = 4080, 1011, 3999, 4000, 4008
_SLIDE, _NOTES, _DIRECTORY, _EDIT, _CRYPT = 1006, 1008, 6002, 4085, 12052
_TITLES = (0, 6)  # kinds of text: title, centred title
_CONTAINER = 0xF
_DEEPEST = 40


class Record(NamedTuple):
    """A record of the stream: its type, instance and the place of its content."""

    kind: int
    instance: int
    start: int
    end: int
    container: bool


def load(path: Path, source: str) -> Document:
    """Slides are pages. ValueError for an encrypted file and for what is no presentation."""
    if not olefile.isOleFile(str(path)):
        raise ValueError(f"{source} is damaged or no PowerPoint file; open it and save it as PPTX.")
    with olefile.OleFileIO(str(path)) as file:
        if file.exists("EncryptedSummary") or not file.exists("PowerPoint Document"):
            raise ValueError(
                f"{source} is encrypted or no PowerPoint file; save it as PPTX without a password."
            )
        data = bytes(file.openstream("PowerPoint Document").read())
        title = file.get_metadata().title or b""
    if any(record.kind == _CRYPT for record in _records(data, 0, len(data))):
        raise ValueError(f"{source} is encrypted; save it without a password.")
    return titled(assemble(_blocks(data), source), title.decode("utf-8", "ignore"))


def _records(data: bytes, start: int, end: int) -> Iterator[Record]:
    while start + 8 <= end:
        head, kind, length = struct.unpack_from("<HHI", data, start)
        stop = min(start + 8 + length, end)
        yield Record(kind, head >> 4, start + 8, stop, head & 0xF == _CONTAINER)
        start = stop


def _within(data: bytes, start: int, end: int, depth: int = 0) -> Iterator[Record]:
    """All records, those of containers after them."""
    for record in _records(data, start, end):
        yield record
        if record.container and depth < _DEEPEST:
            yield from _within(data, record.start, record.end, depth + 1)


def _blocks(data: bytes) -> Iterator[Block]:
    places = _persisted(data)
    notes = _notes_by_slide(data)
    number = 0
    for listed in _within(data, 0, len(data)):
        if listed.kind != _LIST or listed.instance != 0:  # the lists of masters and of notes have others
            continue
        for identity, slide, texts in _slides(data, listed):
            number += 1
            place = places.get(identity)
            drawn = _texts(data, place) if place else []
            for is_title, text in texts + [item for item in drawn if item not in texts]:
                yield Block(
                    text=text, kind="heading" if is_title else "paragraph", level=int(is_title), page=number
                )
            if slide in notes:
                yield Block(text="Notes", kind="heading", level=2, page=number)
                yield from (Block(text=text, page=number) for text in notes[slide])


def _slides(data: bytes, listed: Record) -> Iterator[tuple[int, int, list[tuple[bool, str]]]]:
    """Of each slide: where it is persisted, its identity, and its outline as (is title, text)."""
    current: tuple[int, int] | None = None
    first = listed.start
    for record in [*_records(data, listed.start, listed.end), None]:
        if record is None or record.kind == _PERSIST:
            if current is not None:
                outline = Record(_LIST, 0, first, record.start - 8 if record else listed.end, True)
                yield *current, _texts(data, outline)
            if record is not None and record.end - record.start >= 16:
                reference, _, _, identity = struct.unpack_from("<IIII", data, record.start)
                current, first = (reference, identity), record.end


def _texts(data: bytes, of: Record) -> list[tuple[bool, str]]:
    found: list[tuple[bool, str]] = []
    kind = 4
    for record in _within(data, of.start, of.end):
        content = data[record.start : record.end]
        if record.kind == _HEADER and len(content) >= 4:
            (kind,) = struct.unpack_from("<I", content)
        elif record.kind in (_WIDE, _NARROW):
            text = content.decode("utf-16-le" if record.kind == _WIDE else "latin-1", "replace")
            if words := text.replace("\r", "\n").replace("\v", "\n").strip():
                found.append((kind in _TITLES, words))
    return found


def _persisted(data: bytes) -> dict[int, Record]:
    """Where each persisted object begins; later directories hold what was saved later."""
    places: dict[int, Record] = {}
    for directory in _records(data, 0, len(data)):
        at = directory.start
        while directory.kind == _DIRECTORY and at + 4 <= directory.end:
            (head,) = struct.unpack_from("<I", data, at)
            first, count = head & 0xFFFFF, head >> 20
            count = min(count, (directory.end - at - 4) // 4)
            for index, offset in enumerate(struct.unpack_from(f"<{count}I", data, at + 4)):
                if (record := next(_records(data, offset, len(data)), None)) and record.kind == _SLIDE:
                    places[first + index] = record
            at += 4 + 4 * count
    return places


def _notes_by_slide(data: bytes) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for record in _records(data, 0, len(data)):
        if record.kind == _NOTES and record.end - record.start >= 12:
            (slide,) = struct.unpack_from("<I", data, record.start + 8)
            texts = [text for _, text in _texts(data, record) if len(text) > 1]
            if texts and slide:
                found[slide] = texts
    return found
