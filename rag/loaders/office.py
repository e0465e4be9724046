"""DOCX and XLSX: paragraphs, headings, tables and sheets in reading order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import docx
import openpyxl
from docx.table import Table
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from rag.loaders.blocks import Block, assemble, titled
from rag.loaders.packed import check_archive
from rag.loaders.rows import row_blocks
from rag.schema import Document

_HEADING = re.compile(r"(?:heading|标题)\s*(\d)", re.I)


def load_docx(path: Path, source: str) -> Document:
    """Paragraphs and tables in the order of the document; heading styles become headings."""
    check_archive(path, source)
    file = docx.Document(str(path))
    return titled(assemble(_docx_blocks(file), source), file.core_properties.title)


def load_xlsx(path: Path, source: str) -> Document:
    """Each sheet under its name; one line per row. Formulas count by the value saved with the file."""
    check_archive(path, source)
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
    return titled(assemble(blocks, source), title)


def _docx_blocks(container: Any) -> Iterator[Block]:
    for item in container.iter_inner_content():
        if isinstance(item, Paragraph):
            level = _level(item)
            yield Block(text=_shown(item), kind="heading" if level else "paragraph", level=level)
        elif isinstance(item, Table):
            yield from row_blocks(_docx_rows(item))


def _shown(paragraph: Paragraph) -> str:
    """The text without its hidden runs (w:vanish)."""
    if not paragraph._p.xpath(".//w:vanish"):
        return paragraph.text
    pieces = []
    for item in paragraph.iter_inner_content():
        runs = [item] if isinstance(item, Run) else item.runs
        pieces += [run.text for run in runs if not run.font.hidden]
    return "".join(pieces)


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
        row = [value_text(cell.value, str(cell.number_format or "General")) for cell in cells]
        if any(row):
            table.append(row)
        else:  # an empty row ends a table
            blocks += row_blocks(table)
            table = []
    return blocks + row_blocks(table)


def value_text(value: Any, shown: str) -> str:
    """The value as the sheet shows it, as far as number formats (`shown`) are common ones."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ") if (value.hour or value.minute) else value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if "%" in shown:
        places = len(shown.split("%")[0].rpartition(".")[2]) if "." in shown else 0
        return f"{value * 100:.{places}f}%"
    places = len(re.match(r"0*", shown.partition(".")[2]).group()) if "." in shown else 0  # type: ignore[union-attr]
    comma = "," if "#,##0" in shown else ""
    if comma or places:
        return f"{value:{comma}.{places}f}"
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)
