"""The order in which a page is read (pure): a page of two columns is read down the left one, then the right one."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace

from rag.loaders.lines import Line, Part

_FEWEST_PARTS = 6  # in each column
_PROSE_SHARE = 0.55  # of a column's width that its middling line fills; cells of tables fill less
_PROSE_LETTERS = 12
_CROSSING = 0.34  # share of parts that may lie across the gutter: titles, wide tables and pictures' captions
_LOOK_BACK = 15  # lines above in which the beginning of a row of cells is looked for


def in_reading_order(lines: Sequence[Line]) -> list[Line]:
    """The lines of two columns one after the other; else rows put together that were written cell by cell."""
    gutter = find_gutter(lines)
    if gutter is None:
        return _rows_rejoined(lines)
    sides = [(half, _side(half, gutter)) for line in lines for half in _halves(line, gutter)]
    straddling = len(sides) - len(lines)
    turns = sum(a == "right" and b == "left" for (_, a), (_, b) in zip(sides, sides[1:], strict=False))
    if straddling == 0 and turns <= sum(side == "across" for _, side in sides):
        return list(lines)  # written column by column already
    return _by_bands(sides)


def find_gutter(lines: Sequence[Line]) -> float | None:
    """The x between two columns of running text, None on a page of one column and on one of tables."""
    parts = [part for line in lines for part in _parts(line)]
    if len(parts) < 2 * _FEWEST_PARTS:
        return None
    left, right = min(part.left for part in parts), max(part.right for part in parts)
    places = [left + (right - left) * step / 100 for step in range(35, 66)]
    crossing = {x: sum(part.left < x - 1 and part.right > x + 1 for part in parts) for x in places}
    fewest = min(crossing.values())
    clear = [x for x in places if crossing[x] == fewest]
    x = clear[len(clear) // 2]
    if fewest > _CROSSING * len(parts):
        return None
    columns = [part for part in parts if part.right <= x + 1], [part for part in parts if part.left >= x - 1]
    widths = x - left, right - x
    if all(_is_prose(column, width) for column, width in zip(columns, widths, strict=True)):
        return x
    return None


def _is_prose(column: Sequence[Part], width: float) -> bool:
    if len(column) < _FEWEST_PARTS:
        return False
    filled = statistics.median(part.right - part.left for part in column)
    letters = statistics.median(len(part.text) for part in column)
    return filled > _PROSE_SHARE * width and letters >= _PROSE_LETTERS


def _parts(line: Line) -> Sequence[Part]:
    return line.parts or (Part(text=line.text, left=line.left, right=line.right),)


def _halves(line: Line, gutter: float) -> list[Line]:
    """A line that runs over the gutter where it has a gap is two lines."""
    left = [part for part in _parts(line) if part.right <= gutter + 1]
    right = [part for part in _parts(line) if part.left >= gutter - 1]
    if not left or not right or len(left) + len(right) < len(_parts(line)):
        return [line]
    return [_of(line, left), _of(line, right)]


def _of(line: Line, parts: Sequence[Part]) -> Line:
    return replace(
        line,
        text=" | ".join(part.text for part in parts),
        left=parts[0].left,
        right=parts[-1].right,
        parts=tuple(parts),
    )


def _side(line: Line, gutter: float) -> str:
    return "left" if line.right <= gutter + 1 else "right" if line.left >= gutter - 1 else "across"


def _by_bands(sides: Sequence[tuple[Line, str]]) -> list[Line]:
    """From the top: what lies across the gutter ends a band, in which the left column comes first."""
    ordered: list[Line] = []
    band: dict[str, list[Line]] = {"left": [], "right": []}
    for line, side in sorted(sides, key=lambda item: -item[0].bottom):
        if side == "across":
            ordered += [*band["left"], *band["right"], line]
            band = {"left": [], "right": []}
        else:
            band[side].append(line)
    return [*ordered, *band["left"], *band["right"]]


def _rows_rejoined(lines: Sequence[Line]) -> list[Line]:
    """Some producers write a row cell by cell, so that a line jumps back up beside an earlier one."""
    found: list[Line] = []
    for line in lines:
        beside = _row_beside(found, line)
        if beside is None:
            found.append(line)
        else:
            found[beside] = _of(found[beside], [*_parts(found[beside]), *_parts(line)])
    return found


def _row_beside(found: Sequence[Line], line: Line) -> int | None:
    if not found or line.bottom < found[-1].bottom + 0.5 * line.height:
        return None
    for index in range(len(found) - 1, max(len(found) - _LOOK_BACK, 0) - 1, -1):
        row = found[index]
        if abs(row.bottom - line.bottom) < 0.25 * line.height and line.left > row.right + 0.5 * line.height:
            return index
    return None
