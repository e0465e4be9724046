"""DOC: the text of Word 97 to 2003 files, put together from their piece table."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

import olefile

from rag.loaders.blocks import Block, assemble, titled
from rag.loaders.rows import row_blocks
from rag.schema import Document

# Places and flags of the file information block, [MS-DOC] 2.5.
_FLAGS, _ENCRYPTED, _TABLE_ONE = 0x0A, 0x0100, 0x0200
_PIECES = 0x01A2
_FIRST_VERSION = 0x00C1  # Word 97
_CELL, _LINE, _PAGE = "\x07", "\x0b", "\x0c"
_FIELD = re.compile("\x13[^\x13\x14\x15]*\x14?")  # its instruction; the result after \x14 is text
_UNSEEN = re.compile("[\x00-\x06\x08\x0e-\x12\x14\x15\x1e\x1f]")


def load(path: Path, source: str) -> Document:
    """Paragraphs and table rows. ValueError for an encrypted file and for Word 6 and 95."""
    if not olefile.isOleFile(str(path)):
        raise ValueError(f"{source} is damaged or no Word file; open it and save it as DOCX.")
    with olefile.OleFileIO(str(path)) as file:
        main = bytes(file.openstream("WordDocument").read())
        (version,) = struct.unpack_from("<H", main, 2)
        (flags,) = struct.unpack_from("<H", main, _FLAGS)
        if flags & _ENCRYPTED:
            raise ValueError(f"{source} is encrypted; save it without a password.")
        if version < _FIRST_VERSION:
            raise ValueError(f"{source} is older than Word 97; open it and save it as DOCX.")
        table = bytes(file.openstream("1Table" if flags & _TABLE_ONE else "0Table").read())
        title = file.get_metadata().title or b""
    text = "".join(_pieces(main, table))
    return titled(assemble(_blocks(text), source), title.decode("utf-8", "ignore"))


def _pieces(main: bytes, table: bytes) -> Iterator[str]:
    """[MS-DOC] 2.9.38: a piece is in UTF-16, or in bytes of cp1252 when bit 30 of its place is set."""
    start, length = struct.unpack_from("<II", main, _PIECES)
    at, end = start, min(start + length, len(table))
    while at < end and table[at] == 1:  # properties of paragraphs
        at += 3 + struct.unpack_from("<H", table, at + 1)[0]
    if at >= end or table[at] != 2:
        raise ValueError("its piece table is missing")
    (size,) = struct.unpack_from("<I", table, at + 1)
    count = (min(size, len(table) - at - 5) - 4) // 12
    places = struct.unpack_from(f"<{count + 1}I", table, at + 5)
    for index in range(count):
        letters = places[index + 1] - places[index]
        (place,) = struct.unpack_from("<I", table, at + 5 + 4 * (count + 1) + 8 * index + 2)
        begin = place & 0x3FFFFFFF
        if place & 0x40000000:
            yield main[begin // 2 : begin // 2 + letters].decode("cp1252", "replace")
        else:
            yield main[begin : begin + 2 * letters].decode("utf-16-le", "replace")


def _blocks(text: str) -> Iterator[Block]:
    """A cell ends in a mark, a row in one more; a cell that is empty ends its row, as the text cannot tell."""
    previous = ""
    while previous != text:  # fields may hold fields
        previous, text = text, _FIELD.sub("", text)
    rows: list[list[str]] = []
    cells: list[str] = []
    within: list[str] = []  # paragraphs of the cell before its last one
    parts = re.split(f"([\r{_CELL}{_PAGE}])", text)
    for raw, mark in zip(parts[::2], [*parts[1::2], "\r"], strict=True):
        words = _UNSEEN.sub("", raw).replace(_LINE, "\n").strip()
        if mark == _CELL and cells and not words and not within:
            rows.append(cells)
            cells = []
        elif mark == _CELL:
            cells.append(" ".join([*within, words]))
            within = []
        elif cells:
            within.append(words)
        else:
            yield from row_blocks(rows)
            rows = []
            yield Block(text=words)
    yield from row_blocks([*rows, [*cells, *within]])
