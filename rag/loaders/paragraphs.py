"""Lines of a page to paragraphs, headings and table rows (pure): a wrapped sentence is one text again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rag.loaders.blocks import Block
from rag.loaders.grids import find_tables, markdown_rows
from rag.loaders.hyphens import BREAK
from rag.loaders.lines import Line as Line
from rag.loaders.lines import Part as Part

_BULLET = re.compile(
    r"([•◦▪●■–—*·-]|\(?\d{1,3}[.)、](?!\d)|\(?[a-z]\)|[（(][一二三四五六七八九十\d]+[)）]|[一二三四五六七八九十]+、|第.{1,3}[章节条])\s*"
)
_CJK = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")
_SENTENCE_END = (".", "。", "！", "？", "!", "?", "；", ";", ",", "，", "、")
_LABELLED = re.compile(r"[^\s:：]{1,24}(\s[^\s:：]{1,24}){0,3}[:：]\s*\S")


def page_blocks(lines: Sequence[Line], body_size: float, page: int) -> list[Block]:
    """Blocks of one page; `body_size` is the font size of running text in the whole document."""
    pitch = _pitch(lines)
    tables = {table.first: table for table in find_tables(lines)}
    blocks: list[Block] = []
    open_lines: list[Line] = []
    after = 0  # the first line behind the last table
    for index, line in enumerate(lines):
        table = tables.get(index)
        if open_lines and (table or not _continues(open_lines[-1], line, lines, pitch, body_size)):
            blocks.append(_block(open_lines, body_size, page))
            open_lines = []
        if table is not None:
            blocks += [Block(text=row, kind="row", page=page) for row in markdown_rows(table.rows)]
            after = table.last + 1
        if index >= after:
            open_lines.append(line)
    if open_lines:
        blocks.append(_block(open_lines, body_size, page))
    return blocks


def joined_over_pages(last: Block, page: Sequence[Block]) -> list[Block]:
    """The blocks of the next page; the first goes on with `last` when the page break cut its sentence."""
    blocks = list(page)
    if (
        not blocks
        or last.kind != "paragraph"
        or blocks[0].kind != "paragraph"
        or _BULLET.match(blocks[0].text)
    ):
        return blocks
    end, start = last.text[-1], blocks[0].text[0]
    cut = end not in ".。！？!?；;:：" and (start.islower() or (_CJK.match(start) and _CJK.match(end)))
    if cut or end == BREAK:
        blocks[0] = replace(blocks[0], joint="" if end == BREAK or _glued(end, start) else " ")
    return blocks


def without_running_lines(pages: Sequence[Sequence[Line]], body_size: float) -> list[list[Line]]:
    """Drop page numbers, running heads and feet: outer lines that come back, digits aside, on most pages."""
    if len(pages) < 3:
        return [list(page) for page in pages]
    edges = Counter(key for page in pages for key in {_running_key(line) for line in _outer(page, body_size)})
    running = {key for key, count in edges.items() if count >= 3 and count * 2 > len(pages)}
    return [
        [line for line in page if line not in _outer(page, body_size) or _running_key(line) not in running]
        for page in pages
    ]


def _outer(page: Sequence[Line], body_size: float) -> list[Line]:
    """The two highest and lowest lines, but for large ones: "Chapter 3" on top of a page is a heading."""
    by_height = sorted(page, key=lambda line: line.bottom)
    return [line for line in by_height[:2] + by_height[-2:] if line.size <= body_size * 1.12]


def _running_key(line: Line) -> tuple[str, int]:
    text = re.sub(r"\d+", "#", line.text) if len(line.text) <= 60 else line.text
    return text, round(line.bottom / 4)


def _pitch(lines: Sequence[Line]) -> float:
    """The commonest distance between base lines, in line heights."""
    steps = Counter(
        round((above.bottom - below.bottom) / max(below.height, 1), 1)
        for above, below in zip(lines, lines[1:], strict=False)
        if abs(above.size - below.size) < 0.6
        and 0.5 < (above.bottom - below.bottom) / max(below.height, 1) < 3
    )
    return max(steps.items(), key=lambda item: (item[1], -item[0]))[0] if steps else 1.2


def _continues(above: Line, line: Line, lines: Sequence[Line], pitch: float, body_size: float) -> bool:
    if above.cells > 1 or line.cells > 1 or abs(above.size - line.size) > 0.6 or above.bold != line.bold:
        return False
    step = (above.bottom - line.bottom) / max(line.height, 1)
    if not 0.3 < step <= pitch * 1.25 + 0.05:
        return False
    if above.text.endswith(BREAK):
        return True
    if _BULLET.match(line.text) and not above.text.endswith((",", "，", "、")):
        return False
    if _is_heading(above, body_size) and line.text.endswith(_SENTENCE_END):
        return False
    return _was_full(above, line, lines)


def _was_full(above: Line, line: Line, lines: Sequence[Line]) -> bool:
    """True when the first word of `line` had no room left on the line above, that is, the break is a wrap."""
    same_column = [
        other.right
        for other in lines
        if other.cells == 1
        and abs(other.size - above.size) < 0.6
        and other.left < above.right < other.right + 400
        and abs(other.left - above.left) < 60
    ]
    edge = max(same_column, default=above.right)
    per_letter = (line.right - line.left) / max(len(line.text), 1)
    first = line.text.split(" ")[0]
    match = _CJK.search(first)
    # Chinese breaks between any two characters, but punctuation may not open a line.
    letters = 2.2 if match and match.start() < 2 else len(first) + 1
    return above.right + letters * per_letter > edge - 0.5 * line.size


def _is_heading(line: Line, body_size: float) -> bool:
    short = len(line.text) <= 120 and line.cells == 1 and not line.text.endswith(_SENTENCE_END)
    if not short or not any(letter.isalpha() for letter in line.text) or _LABELLED.match(line.text):
        return line.size > body_size * 1.35 and line.cells == 1 and len(line.text) <= 160
    return line.size > body_size * 1.12 or line.bold


def _block(lines: Sequence[Line], body_size: float, page: int) -> Block:
    text = lines[0].text
    for above, line in zip(lines, lines[1:], strict=False):
        text += line.text if above.text.endswith(BREAK) or _glued(text, line.text) else f" {line.text}"
    if lines[0].cells > 1:
        return Block(text=text, kind="row", page=page)
    if len(lines) <= 3 and _is_heading(replace(lines[0], text=text), body_size):
        return Block(text=text, kind="heading", level=_level(lines[0].size, body_size), page=page)
    return Block(text=text, page=page)


def _glued(left: str, right: str) -> bool:
    return bool(_CJK.match(left[-1]) and _CJK.match(right[0]))


def _level(size: float, body_size: float) -> int:
    return 1 if size > body_size * 1.5 else 2 if size > body_size * 1.12 else 3
