"""Where Markdown tables stand in a text and how their columns are called (pure): a row cut off keeps its names."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TABLE = re.compile(
    r"^[ \t]*\|(?P<head>[^\n]*)\n"
    r"[ \t]*\|[ \t]*:?-{3,}[-: \t|]*\n"
    r"(?P<rows>(?:[ \t]*\|[^\n]*(?:\n|\Z))*)",
    re.M,
)
_LONGEST = 200  # characters of names; more of them would be most of what is embedded


@dataclass(frozen=True, slots=True, kw_only=True)
class TableHead:
    """The rows of a table, from `start` to `end`, and the names of its columns."""

    start: int
    end: int
    names: str


def table_heads(text: str) -> list[TableHead]:
    """The tables whose first row names their columns, in the order of the text."""
    found = []
    for match in _TABLE.finditer(text):
        cells = [cell.strip() for cell in match["head"].strip().strip("|").split("|")]
        names = " | ".join(cell for cell in cells if cell)[:_LONGEST]
        if names:
            found.append(TableHead(start=match.start("rows"), end=match.end("rows"), names=names))
    return found
