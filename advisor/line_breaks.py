"""Breaks Chinese text into lines: between any two characters, never before a closing or after an opening mark."""

from __future__ import annotations

import re

# GB/T 15834-2011: which marks may not begin a line, and which may not end one.
_NEVER_FIRST, _NEVER_LAST = "，。；：！？、）】》”’…%", "（【《“‘"
_WIDE = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_PIECE = re.compile(
    rf"[{_NEVER_LAST}]*(?:[^\s{_WIDE}{_NEVER_FIRST}{_NEVER_LAST}]+|[{_WIDE}])[{_NEVER_FIRST}]*\s*"
    rf"|[{_NEVER_FIRST}{_NEVER_LAST}]\s*"
)


def broken(text: str, cells: int) -> list[str]:
    """Lines of at most `cells` cells of a terminal; a word that is longer is cut."""
    from rich.cells import cell_len, chop_cells

    lines = [""]
    for piece in _PIECE.findall(text.strip()):
        if cell_len(lines[-1] + piece.rstrip()) > cells and lines[-1]:
            lines.append("")
        if cell_len(piece.rstrip()) > cells:
            *whole, piece = chop_cells(piece, cells)
            lines[-1:] = [*whole, ""]
        lines[-1] += piece
    return [line.rstrip() for line in lines]
