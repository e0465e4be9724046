"""Tables among the lines of a page (pure): parts that stand below one another become rows, with a cell per column."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rag.loaders.lines import Line, Part
from rag.loaders.rows import names_columns

_MOST_LINES = 200  # of one table on a page; comparing parts takes the square of it
_FARTHEST = 3.6  # line heights between two rows
_WRAPPED = 1.4  # line heights: closer than rows of a table usually are, as close as lines of one cell
_LEAST_FILLED = 0.4  # share of cells; below it the parts only happen to stand apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows of a table and the lines, first to last, that they were made of."""

    first: int
    last: int
    rows: tuple[tuple[str, ...], ...]


def find_tables(lines: Sequence[Line]) -> list[Table]:
    """Tables of at least two rows and two columns, in the order of the page."""
    tables: list[Table] = []
    first = 0
    while first < len(lines):
        last = _run_end(lines, first) if lines[first].cells > 1 else first
        rows = _rows(lines[first : last + 1]) if last > first else []
        if rows:
            tables.append(Table(first=first, last=last, rows=tuple(map(tuple, rows))))
        first = last + 1
    return tables


def markdown_rows(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table; the head is empty where the first row does not name the columns."""
    head, body = (rows[0], rows[1:]) if names_columns(rows) else (("",) * len(rows[0]), rows)
    lines = [head, ("---",) * len(rows[0]), *body]
    return [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines]


def _run_end(lines: Sequence[Line], first: int) -> int:
    """The last line with cells that still belongs to what begins at `first`; single cells may lie between."""
    last, between = first, 0
    for index in range(first + 1, min(len(lines), first + _MOST_LINES)):
        line, above = lines[index], lines[index - 1]
        step = (above.bottom - line.bottom) / max(line.height, 1)
        if not 0.3 < step < _FARTHEST or line.size > lines[first].size * 1.5:
            break
        if line.cells > 1:
            last, between = index, 0
            continue
        between += 1
        if between > 3 or _is_prose(line, lines[first]) or _is_title(line, step, lines[first : last + 1]):
            break
    tail = last + 1  # lines below the last row that go on with one of its cells
    while tail < len(lines) and _goes_on(lines[last], lines[tail - 1], lines[tail]):
        tail += 1
    return tail - 1


def _is_prose(line: Line, beside: Line) -> bool:
    return line.right - line.left > 0.6 * (beside.right - beside.left) or line.text.endswith((".", "。"))


def _is_title(line: Line, step: float, rows: Sequence[Line]) -> bool:
    """A bold line with more room above it than rows have begins something new."""
    steps = [_step(above, row) for above, row in zip(rows, rows[1:], strict=False)]
    return line.bold and (not steps or step > 1.15 * statistics.median(steps))


def _goes_on(row: Line, above: Line, line: Line) -> bool:
    step = (above.bottom - line.bottom) / max(line.height, 1)
    under = any(abs(part.left - line.left) < 2 for part in row.parts[1:])
    return line.cells == 1 and 0.3 < step < _WRAPPED and under and abs(line.size - row.size) < 0.6


def _rows(run: Sequence[Line]) -> list[list[str]]:
    columns = _columns(run)
    if len(columns) < 2 or sum(line.cells > 1 for line in run) < 2:
        return []
    pitch = statistics.median(_step(above, line) for above, line in zip(run, run[1:], strict=False))
    rows: list[list[str]] = []
    for above, line in zip((None, *run), run, strict=False):
        cells = _placed(line, columns)
        close = above is not None and _step(above, line) < min(_WRAPPED, 0.85 * pitch)
        single = above is not None and line.cells == 1 and _step(above, line) < _WRAPPED
        if rows and not cells[0] and (close or single):
            rows[-1] = [f"{old} {new}".strip() for old, new in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    filled = sum(bool(cell) for row in rows for cell in row)
    return rows if len(rows) > 1 and filled >= _LEAST_FILLED * len(rows) * len(columns) else []


def _step(above: Line, line: Line) -> float:
    return (above.bottom - line.bottom) / max(line.height, 1)


def _parts(line: Line) -> Sequence[Part]:
    return line.parts or (Part(text=line.text, left=line.left, right=line.right),)


def _columns(run: Sequence[Line]) -> list[tuple[float, float]]:
    """Where columns stand: parts that lie over one another; those that span several columns do not count."""
    parts = [part for line in run for part in _parts(line) if not _spans(part, run)]
    columns: list[tuple[float, float]] = []
    for part in sorted(parts, key=lambda part: part.left):
        if columns and part.left < columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], part.right))
        else:
            columns.append((part.left, part.right))
    return columns


def _spans(part: Part, run: Sequence[Line]) -> bool:
    """Whether in another line two parts lie over this one."""
    return any(
        sum(other.left < part.right and part.left < other.right for other in line.parts) > 1 for line in run
    )


def _placed(line: Line, columns: Sequence[tuple[float, float]]) -> list[str]:
    cells = [""] * len(columns)
    for part in _parts(line):
        middle = (part.left + part.right) / 2
        over = [i for i, (left, right) in enumerate(columns) if part.left < right and left < part.right]
        nearest = min(range(len(columns)), key=lambda i: abs(sum(columns[i]) / 2 - middle))
        column = over[0] if over else nearest
        cells[column] = f"{cells[column]} {part.text}".strip()
    return cells
