"""The cells of worksheets as lines of text, from their XML."""

from __future__ import annotations

from collections.abc import Sequence

from .column_names import Repeated, names_of_rows
from .markup_text import without_tags

_LONG_NUMBER = 10  # characters from which a number shows how a computer stores it, 0.082000000000000003


def read_sheets(strings: bytes, sheets: Sequence[bytes]) -> tuple[bytes, tuple[Repeated, ...]]:
    """One line per row of all sheets, and the names that head the columns of each."""
    shared = [without_tags(b"<" + piece).strip() for piece in strings.split(b"<si")[1:]]
    lines: list[bytes] = []
    repeated: list[Repeated] = []
    for sheet in sheets:
        rows = [cells for row in sheet.split(b"<row")[1:] if (cells := _cells(row, shared))]
        lines += [b" | ".join(cells) for cells in rows]
        while rows and len(rows[0]) < 2:
            rows.pop(0)  # titles and notes above the table
        repeated += names_of_rows(rows[:1], len(rows) - 1)
    return b"\n".join(lines), tuple(repeated)


def _cells(row: bytes, shared: Sequence[bytes]) -> list[bytes]:
    return [cell for piece in row.split(b"<c ")[1:] if (cell := _cell(piece, shared))]


def _cell(piece: bytes, shared: Sequence[bytes]) -> bytes:
    attributes, _, content = piece.partition(b">")
    if b't="inlineStr"' in attributes:
        return without_tags(content.partition(b"</c>")[0]).strip()
    value = content.partition(b"<v>")[2].partition(b"</v>")[0]
    if b't="s"' in attributes:
        return shared[int(value)] if value.isdigit() and int(value) < len(shared) else b""
    return _shown(value)


def _shown(value: bytes) -> bytes:
    if len(value) < _LONG_NUMBER:
        return value
    try:
        return f"{float(value):.6g}".encode()
    except ValueError:
        return value
