"""Rows of an XLSX file: the first sheet that holds any, its first filled row being the header."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from finetune.formats.faults import Fault
from finetune.formats.files import Read

MOST_BYTES = 2 << 30  # unpacked; a sheet of a million rows takes a tenth of it


def sheet_rows(file: Path) -> Read:
    """Raises ValueError for a file that is no workbook, ImportError without openpyxl."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        _check_size(file)
        book = load_workbook(file, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, OSError) as error:
        raise ValueError(f"'{file}' is no XLSX file that can be read ({error}).") from None
    try:
        for name in book.sheetnames:
            rows = [(number, cells) for number, cells in _filled(book[name])]
            if rows:
                yield from _below_header(rows)
                return
    finally:
        book.close()


def _check_size(file: Path) -> None:
    with zipfile.ZipFile(file) as packed:
        size = sum(part.file_size for part in packed.infolist())
    if size > MOST_BYTES:
        raise ValueError(f"'{file}' unpacks to {size / 2**30:.1f} GiB; save it as CSV.")


def _filled(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        cells = [_written(value) for value in row]
        if any(cells):
            yield number, cells


def _written(value: Any) -> str:
    """A cell as text: a whole number without its ".0", a day without midnight."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date):
        return value.isoformat().removesuffix("T00:00:00")
    return str(value).strip()


def _below_header(rows: list[tuple[int, list[str]]]) -> Read:
    header = rows[0][1]
    for number, cells in rows[1:]:
        stray = any(cells[len(header) :]) or any(
            cell and not name for name, cell in zip(header, cells, strict=False)
        )
        if stray:
            yield number, Fault(line=number, reason="a cell stands under no column name.")
        else:
            yield number, {name: cell for name, cell in zip(header, cells, strict=False) if name}
