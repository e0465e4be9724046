"""DOCX and XLSX: paragraphs, headings, tables and sheets in reading order, with a guard against bombs."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import docx
import openpyxl
from docx.table import Table
from docx.text.paragraph import Paragraph

from rag.loaders.blocks import Block, assemble
from rag.loaders.rows import row_blocks
from rag.schema import Document

LARGEST_UNPACKED_BYTES = 300_000_000  # a 449 KiB file is known that grows to 1,180 MB
_HEADING = re.compile(r"(?:heading|标题)\s*(\d)", re.I)


def load_docx(path: Path, source: str) -> Document:
    """Paragraphs and tables in the order of the document; heading styles become headings."""
    _check_archive(path, source)
    file = docx.Document(str(path))
    return _titled(assemble(_docx_blocks(file), source), file.core_properties.title)


def load_xlsx(path: Path, source: str) -> Document:
    """Each sheet under its name; one line per row. Formulas count by the value saved with the file."""
    _check_archive(path, source)
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        blocks: list[Block] = []
        for sheet in book.worksheets:
            found = _sheet_blocks(sheet)
            if found:
                blocks += [Block(text=sheet.title, kind="heading", level=1), *found]
        title = book.properties.title
    finally:
        book.close()
    return _titled(assemble(blocks, source), title)


def _titled(document: Document, title: str | None) -> Document:
    """Templates leave "Word Document" or a file name as title; a true one also stands in the text."""
    name = (title or "").strip()
    return replace(document, metadata={"title": name}) if name and name in document.text else document


def _check_archive(path: Path, source: str) -> None:
    with path.open("rb") as file:
        magic = file.read(8)
    if magic == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":  # the container of encrypted and of pre-2007 files
        raise ValueError(f"{source} is encrypted or in an old Office format; save it without a password.")
    if not zipfile.is_zipfile(path):
        raise ValueError(
            f"{source} is damaged: it is no {path.suffix[1:].upper()} archive. Open and save it again."
        )
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > LARGEST_UNPACKED_BYTES:
        raise ValueError(
            f"{source} unpacks to {unpacked / 1e6:.0f} MB, above the limit of "
            f"{LARGEST_UNPACKED_BYTES / 1e6:.0f} MB; split it."
        )


def _docx_blocks(container: Any) -> Iterator[Block]:
    for item in container.iter_inner_content():
        if isinstance(item, Paragraph):
            level = _level(item)
            yield Block(text=item.text, kind="heading" if level else "paragraph", level=level)
        elif isinstance(item, Table):
            yield from row_blocks(_docx_rows(item))


def _level(paragraph: Paragraph) -> int:
    name = (paragraph.style.name if paragraph.style is not None else "") or ""
    if name in ("Title", "标题"):
        return 1
    match = _HEADING.match(name)
    return int(match.group(1)) if match else 0


def _docx_rows(table: Table) -> Iterator[list[str]]:
    for row in table.rows:
        cells: list[str] = []
        seen: set[int] = set()
        for cell in row.cells:  # a merged cell is handed out once for every column it covers
            cells.append("" if id(cell._tc) in seen else _cell_text(cell))
            seen.add(id(cell._tc))
        yield cells


def _cell_text(cell: Any) -> str:
    return " ".join(block.text for block in _docx_blocks(cell) if block.text.strip())


def _sheet_blocks(sheet: Any) -> list[Block]:
    blocks: list[Block] = []
    table: list[list[str]] = []
    for cells in sheet.iter_rows():
        row = [_value_text(cell) for cell in cells]
        if any(row):
            table.append(row)
        else:  # an empty row ends a table
            blocks += row_blocks(table)
            table = []
    return blocks + row_blocks(table)


def _value_text(cell: Any) -> str:
    """The value as the sheet shows it, as far as number formats are common ones."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ") if (value.hour or value.minute) else value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    shown = str(cell.number_format or "General")
    if "%" in shown:
        places = len(shown.split("%")[0].rpartition(".")[2]) if "." in shown else 0
        return f"{value * 100:.{places}f}%"
    places = len(re.match(r"0*", shown.partition(".")[2]).group()) if "." in shown else 0  # type: ignore[union-attr]
    comma = "," if "#,##0" in shown else ""
    if comma or places:
        return f"{value:{comma}.{places}f}"
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)
