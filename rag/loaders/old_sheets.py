"""XLS: sheets of Excel 97 to 2003, rendered as those of XLSX."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xlrd

from rag.loaders.blocks import Block, assemble
from rag.loaders.office import value_text
from rag.loaders.rows import row_blocks
from rag.schema import Document


def load(path: Path, source: str) -> Document:
    """Each sheet under its name, one line per row, values as the sheet shows them."""
    try:
        book = xlrd.open_workbook(str(path), formatting_info=True, logfile=None, on_demand=True)
    except xlrd.XLRDError as error:
        if "encrypted" in str(error).lower():
            raise ValueError(f"{source} is encrypted; save it without a password.") from error
        raise ValueError(
            f"{source} is damaged and could not be read as XLS ({error}); save it as XLSX."
        ) from error
    blocks: list[Block] = []
    for name in book.sheet_names():
        if found := list(_sheet(book, book.sheet_by_name(name))):
            blocks += [Block(text=name, kind="heading", level=1), *found]
        book.unload_sheet(name)
    return assemble(blocks, source)


def _sheet(book: Any, sheet: Any) -> Iterator[Block]:
    table: list[list[str]] = []
    for index in range(sheet.nrows):
        row = [_shown(book, cell) for cell in sheet.row(index)]
        if any(row):
            table.append(row)
        else:  # an empty row ends a table
            yield from row_blocks(table)
            table = []
    yield from row_blocks(table)


def _shown(book: Any, cell: Any) -> str:
    if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
        return ""
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#ERROR"))
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return str(bool(cell.value))
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return value_text(xlrd.xldate_as_datetime(cell.value, book.datemode), "")
        except (ValueError, OverflowError):
            return f"{cell.value:g}"  # a number that only its format calls a date
    if cell.ctype == xlrd.XL_CELL_NUMBER:
        style = book.format_map.get(book.xf_list[cell.xf_index].format_key)
        return value_text(cell.value, style.format_str if style else "General")
    return str(cell.value)
