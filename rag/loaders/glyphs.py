"""The glyphs of a PDF page to lines with their place; a gap as wide as a table's gutter parts a line into cells."""

from __future__ import annotations

import ctypes
import statistics
from typing import Any

import pypdfium2.raw as raw

from rag.loaders.hyphens import BREAK
from rag.loaders.lines import Line, Part

Boxes = dict[int, tuple[float, float, float, float]]  # of each glyph: left, bottom, right, top
_HYPHENS = (BREAK, "\ufffe")  # what pdfium puts for a hyphen at the end of a line
_CELL_GAP = 1.2  # in font sizes: wider than any space of justified text, narrower than a table's gutter


def page_lines(page: Any) -> list[Line]:
    """The lines of an open page, as pdfium orders them."""
    text_page = page.get_textpage()
    try:
        lines: list[Line] = []
        start = 0
        count = text_page.count_chars()
        codes = [raw.FPDFText_GetUnicode(text_page, index) for index in range(count)]
        for index in range(count + 1):
            if index == count or codes[index] in (10, 13):
                if (line := _line(text_page, codes, start, index)) is not None:
                    lines.append(line)
                start = index + 1
        return lines
    finally:
        text_page.close()


def _line(text_page: Any, codes: list[int], start: int, end: int) -> Line | None:
    """One line of glyphs; a gap as wide as a table's gutter becomes " | "."""
    places = [index for index in range(start, end) if codes[index] > 32 or chr(codes[index]) in _HYPHENS]
    if not places:
        return None
    boxes = {index: text_page.get_charbox(index, loose=True) for index in places}
    size = statistics.median(raw.FPDFText_GetFontSize(text_page, index) for index in places[:5])
    scale = statistics.median(boxes[index][3] - boxes[index][1] for index in places)
    parts = [_part(codes, boxes, run) for run in _runs(places, boxes, _CELL_GAP * scale)]
    return Line(
        text=" | ".join(part.text for part in parts),
        left=parts[0].left,
        right=parts[-1].right,
        bottom=min(boxes[index][1] for index in places[:: max(len(places) // 8, 1)]),
        height=scale,
        size=round(size if size > 1.5 else scale, 1),  # size 1 scaled by a matrix: the box tells the truth
        bold=_is_bold(text_page, places[0]) and _is_bold(text_page, places[-1]),
        parts=tuple(parts),
    )


def _runs(places: list[int], boxes: Boxes, gap: float) -> list[list[int]]:
    """Glyphs without a gap as wide as that between two cells of a table."""
    runs = [[places[0]]]
    for before, index in zip(places, places[1:], strict=False):
        if boxes[index][0] - boxes[before][2] > gap:
            runs.append([])
        runs[-1].append(index)
    return runs


def _part(codes: list[int], boxes: Boxes, run: list[int]) -> Part:
    pieces = [chr(codes[run[0]])]
    for before, index in zip(run, run[1:], strict=False):
        if index - before > 1:
            pieces.append(" ")
        pieces.append(chr(codes[index]))
    text = "".join(pieces).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return Part(text=text.replace("\ufffe", BREAK), left=boxes[run[0]][0], right=boxes[run[-1]][2])


def _is_bold(text_page: Any, index: int) -> bool:
    buffer = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()
    length = raw.FPDFText_GetFontInfo(text_page, index, buffer, len(buffer), ctypes.byref(flags))
    name = buffer.raw[: min(max(length - 1, 0), 127)].decode("latin-1").lower()
    return any(word in name for word in ("bold", "black", "heavy", "semibold")) or bool(
        flags.value & (1 << 18)
    )
