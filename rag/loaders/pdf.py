"""PDF with a text layer: lines with their place on the page, handed to `paragraphs` to become blocks."""

from __future__ import annotations

import ctypes
import statistics
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from rag.loaders.blocks import Block, assemble
from rag.loaders.hyphens import BREAK, without_hyphens
from rag.loaders.paragraphs import Line, joined_over_pages, page_blocks, without_running_lines
from rag.schema import Document

_PDFIUM = threading.Lock()  # pdfium is not safe to call from two threads
_HYPHENS = (BREAK, "\ufffe")  # what pdfium puts for a hyphen at the end of a line
_CELL_GAP = 1.2  # in font sizes: wider than any space of justified text, narrower than a table's gutter


def load(path: Path, source: str) -> Document:
    """Text by page. ValueError when it is encrypted, damaged or a scan without text."""
    with _PDFIUM:
        try:
            file = pdfium.PdfDocument(path)
        except pdfium.PdfiumError as error:
            raise ValueError(_refusal(error, source)) from error
        try:
            pages = [_page_lines(page) for page in file]
            title = str(file.get_metadata_dict().get("Title", "")).strip()
        finally:
            file.close()
    if not any(pages):
        raise ValueError(f"{source} has no text layer (it is a scan); run it through OCR first.")
    document = assemble(_blocks(pages), source)
    # Producers write "untitled" or a file name here; a true title also stands in the text.
    return replace(document, metadata={"title": title}) if title and title in document.text else document


def _refusal(error: pdfium.PdfiumError, source: str) -> str:
    if "password" in str(error).lower():
        return f"{source} is encrypted; remove the password (print it to a new PDF) and index again."
    return f"{source} is damaged and could not be read as PDF; open and save it again."


def _blocks(pages: list[list[Line]]) -> list[Block]:
    lines = [line for page in pages for line in page]
    sizes = [line.size for line in lines for _ in range(max(len(line.text) // 10, 1))]
    body_size = statistics.median(sizes)
    blocks: list[Block] = []
    for number, page in enumerate(without_running_lines(pages, body_size), start=1):
        found = page_blocks(page, body_size, number)
        blocks += joined_over_pages(blocks[-1], found) if blocks else found
    return without_hyphens(blocks)


def _page_lines(page: Any) -> list[Line]:
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
        page.close()


def _line(text_page: Any, codes: list[int], start: int, end: int) -> Line | None:
    """One line of glyphs; a gap as wide as a table's gutter becomes " | "."""
    places = [index for index in range(start, end) if codes[index] > 32 or chr(codes[index]) in _HYPHENS]
    if not places:
        return None
    boxes = {index: text_page.get_charbox(index, loose=True) for index in places}
    size = statistics.median(raw.FPDFText_GetFontSize(text_page, index) for index in places[:5])
    scale = statistics.median(boxes[index][3] - boxes[index][1] for index in places)
    pieces, gaps = [chr(codes[places[0]])], 0
    for before, index in zip(places, places[1:], strict=False):
        if boxes[index][0] - boxes[before][2] > _CELL_GAP * scale:
            pieces.append(" | ")
            gaps += 1
        elif index - before > 1:
            pieces.append(" ")
        pieces.append(chr(codes[index]))
    text = "".join(pieces).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = text.replace("\ufffe", BREAK)
    first, last = boxes[places[0]], boxes[places[-1]]
    return Line(
        text=text,
        left=first[0],
        right=last[2],
        bottom=min(boxes[index][1] for index in places[:: max(len(places) // 8, 1)]),
        height=scale,
        size=round(size if size > 1.5 else scale, 1),  # size 1 scaled by a matrix: the box tells the truth
        bold=_is_bold(text_page, places[0]) and _is_bold(text_page, places[-1]),
        cells=gaps + 1,
    )


def _is_bold(text_page: Any, index: int) -> bool:
    buffer = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()
    length = raw.FPDFText_GetFontInfo(text_page, index, buffer, len(buffer), ctypes.byref(flags))
    name = buffer.raw[: min(max(length - 1, 0), 127)].decode("latin-1").lower()
    return any(word in name for word in ("bold", "black", "heavy", "semibold")) or bool(
        flags.value & (1 << 18)
    )
