"""Table rows as lines of text: each repeats its column names, so that a row found alone is understood."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rag.loaders.blocks import Block

_NUMBER = re.compile(r"[-+(]?\s*[$€£¥￥]?\s*[\d.,\s]*\d[\d.,]*\s*\)?\s*(%|％|[万亿]元?|元|[kmbKMB]n?)?")
_YEAR = re.compile(r"((19|20)\d{2}|(FY|Q[1-4])\s?\d{0,4}.*|[HQ][1-4].*|(19|20)\d{2}年.*)")


def row_blocks(rows: Iterable[Sequence[str]], header: bool | None = None, joint: str = "; ") -> list[Block]:
    """Render one table; `header` says whether the first row names the columns (None: decide from its cells).

    `joint` stands between the cells of a table whose columns have no names.
    Lines above the header that fill a single cell are titles or notes and stay paragraphs.
    """
    table = [[" ".join(cell.split()) for cell in row] for row in rows]
    table = [row for row in table if any(row)]
    blocks: list[Block] = []
    while header is None and len(table) > 1 and _filled(table[0]) == 1 and max(map(_filled, table)) > 1:
        blocks.append(Block(text=" ".join(table.pop(0)).strip()))
    if len(table) < 2 or header is False or (header is None and not names_columns(table)):
        return blocks + [Block(text=_plain(row, joint), kind="row") for row in table]
    names = table[0]
    return blocks + [Block(text=_labelled(names, row), kind="row") for row in table[1:]]


def _plain(row: Sequence[str], joint: str) -> str:
    cells = [cell for cell in row if cell]
    if len(cells) == 2 and len(cells[0]) <= 40 and len(row) <= 3:  # a name and its value
        return f"{cells[0].rstrip(':：')}: {cells[1]}"
    return joint.join(cells)


def _labelled(names: Sequence[str], row: Sequence[str]) -> str:
    cells = []
    for position, value in enumerate(row):
        name = names[position].rstrip(":：") if position < len(names) else ""
        if value:
            cells.append(f"{name}: {value}" if name and name != value else value)
    return "; ".join(cells)


def _filled(row: Sequence[str]) -> int:
    return sum(map(bool, row))


def names_columns(table: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: when its cells are several, short and no measured values."""
    first = [cell for cell in table[0] if cell]
    if len(first) < 2 or any(len(cell) > 80 for cell in first):
        return False
    labels = [row[0] for row in table if row[0]]
    if labels and all(
        label.endswith((":", "：")) for label in labels
    ):  # "Name: | Li Wei": pairs, not columns
        return False
    if sum(_filled(row) > 1 for row in table) * 2 <= len(table):  # a table that only lays out lines of text
        return False
    return all(_YEAR.fullmatch(cell) or not _NUMBER.fullmatch(cell) for cell in first)
