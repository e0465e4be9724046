"""PDF: text by page in reading order, tables as Markdown; pages that are pictures are read by OCR where it is there."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from rag.loaders import pace
from rag.loaders.blocks import Block, assemble, titled
from rag.loaders.columns import in_reading_order
from rag.loaders.glyphs import page_lines
from rag.loaders.hyphens import without_hyphens
from rag.loaders.ocr import EXTRA, has_ocr
from rag.loaders.paragraphs import Line, joined_over_pages, page_blocks, without_running_lines
from rag.schema import Document

MOST_PAGES = 10_000
_PDFIUM = threading.Lock()  # pdfium is not safe to call from two threads
_DPI, _LONGEST_SIDE = 200, 2_400  # of a page drawn for OCR, in pixels


@dataclass(slots=True)
class _Seen:
    """Numbers of pages by what became of them."""

    drawn: list[int]  # without a text layer
    read: list[int]  # by OCR
    broken: list[int]


def load(path: Path, source: str) -> Document:
    """Text by page. ValueError when it is encrypted, damaged, or a scan that cannot be read."""
    seen = _Seen([], [], [])
    with _PDFIUM:
        try:
            file = pdfium.PdfDocument(path)
        except pdfium.PdfiumError as error:
            raise ValueError(_refusal(error, source)) from error
        try:
            if len(file) > MOST_PAGES:
                raise ValueError(
                    f"{source} has {len(file):,} pages, above the limit of {MOST_PAGES:,}; split it."
                )
            pages = [_lines(file, number, seen) for number in range(1, len(file) + 1)]
            title = str(file.get_metadata_dict().get("Title", "")).strip()
        finally:
            file.close()
    if not any(pages):
        raise ValueError(_nothing(seen, source))
    return titled(assemble(_blocks(pages), source, _told(seen)), title)


def _refusal(error: pdfium.PdfiumError, source: str) -> str:
    if "password" in str(error).lower():
        return f"{source} is encrypted; remove the password (print it to a new PDF) and index again."
    return f"{source} is damaged and could not be read as PDF; open and save it again."


def _nothing(seen: _Seen, source: str) -> str:
    if seen.broken:
        return f"{source} is damaged: none of its pages could be read; open and save it again."
    if not seen.drawn:
        return f"{source} holds no text: its pages are empty."
    if has_ocr():
        return f"{source} is a scan in which no text could be read."
    return f"{source} has no text layer (it is a scan); to read it: {EXTRA}"


def _told(seen: _Seen) -> dict[str, str]:
    """What a reader of the index should know: pages that were read by OCR, and pages that were not read."""
    found = {"ocr": _named(seen.read)} if seen.read else {}
    missing = [f"{_named(seen.broken)} damaged"] if seen.broken else []
    if (scans := sorted(set(seen.drawn) - set(seen.read))) and not has_ocr():
        missing.append(f"{_named(scans)} without a text layer ({EXTRA})")
    return found | ({"unread": "; ".join(missing)} if missing else {})


def _named(pages: Sequence[int]) -> str:
    return f"page{'s' if len(pages) > 1 else ''} {', '.join(map(str, pages))}"


def _lines(file: Any, number: int, seen: _Seen) -> list[Line]:
    try:
        page = file[number - 1]
        try:
            if lines := page_lines(page):
                return lines
            if raw.FPDFPage_CountObjects(page) == 0:
                return []  # an empty page
            seen.drawn.append(number)
            return _read_by_ocr(page, number, seen) if has_ocr() else []
        finally:
            page.close()
    except pdfium.PdfiumError:
        seen.broken.append(number)
        return []


def _read_by_ocr(page: Any, number: int, seen: _Seen) -> list[Line]:
    from rag.loaders.ocr import picture_lines

    scale = min(_DPI / 72, _LONGEST_SIDE / max(*page.get_size(), 1))
    lines = picture_lines(page.render(scale=scale, rev_byteorder=False).to_numpy(), scale)
    pace.step_done()
    if lines:
        seen.read.append(number)
    return lines


def _blocks(pages: list[list[Line]]) -> list[Block]:
    lines = [line for page in pages for line in page]
    sizes = [line.size for line in lines for _ in range(max(len(line.text) // 10, 1))]
    body_size = statistics.median(sizes)
    blocks: list[Block] = []
    for number, page in enumerate(without_running_lines(pages, body_size), start=1):
        found = page_blocks(in_reading_order(page), body_size, number)
        blocks += joined_over_pages(blocks[-1], found) if blocks else found
    return without_hyphens(blocks)
