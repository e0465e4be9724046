"""Looks at some pages of a PDF: how many there are, what text they show, and whether they are pictures of text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import IO

from .glimpse import Glimpse
from .pdf_fonts import Decode
from .pdf_lock import opens_without_password
from .pdf_objects import PdfObjects, references
from .pdf_page import Page, read_page

_HEAD_BYTES, _TAIL_BYTES = 3 << 20, 1 << 20  # of a long file; page objects may stand at its end
_PAGE_BYTES = 4 << 10  # text of a full page, for turning a limit of bytes into a number of pages
_FEWEST_PAGES, _MOST_PAGES = 2, 256
_TOKENS_PER_PAGE = (
    500  # a page of prose holds about 400 words (rule of thumb); used where no page can be unpacked
)
_SCAN_LETTERS = 20  # a page number or a stamp on the picture of a page is shorter
_PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
_CATALOG = re.compile(rb"/Type\s*/Catalog\b")
_PAGES = re.compile(rb"/Type\s*/Pages\b")
_COUNT = re.compile(rb"/Count\s+(\d{1,6})\b")


def glance_at_pdf(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    """Pages in all and the text of evenly spread ones, as many as hold about `limit` bytes.

    Raises ValueError with a short reason where the file is encrypted or damaged.
    """
    raw = _ends(file, size_bytes)
    pdf = PdfObjects(raw)
    locked = b"/Encrypt" in raw
    if locked and not opens_without_password(pdf, raw):
        raise ValueError("encrypted PDF")
    numbers, total = _pages(pdf)
    wanted = min(max(limit // _PAGE_BYTES, _FEWEST_PAGES), _MOST_PAGES)
    fonts: dict[int, Decode] = {}
    step = -(-len(numbers) // wanted) or 1
    pages = [page for number in numbers[::step] if (page := read_page(pdf, number, fonts)) is not None]
    if locked or not pages:
        return Glimpse(pages=total, tokens_per_page=_TOKENS_PER_PAGE)
    return Glimpse(
        text="\n".join(page.text for page in pages).encode("utf-8", "replace"),
        share=len(pages) / total,
        pages=total,
        scanned=_is_scan(pages),
    )


def _pages(pdf: PdfObjects) -> tuple[list[int], int]:
    """Page objects in the order of the page tree where it can be followed, and how many pages there are.

    Of a long file that is not read whole some objects are missing, but the root of the tree tells how many it has.
    """
    heads = dict(pdf.heads())
    catalogues = [head for head in heads.values() if _CATALOG.search(head)]
    root = pdf.number(catalogues[-1], b"Pages") if catalogues else None
    numbers = _below(pdf, heads, root) if root is not None else []
    numbers = numbers or [number for number, head in heads.items() if _PAGE.search(head)]
    trees = [heads[root]] if root in heads else [head for head in heads.values() if _PAGES.search(head)]
    counts = [int(count) for head in trees for count in _COUNT.findall(head)]
    return numbers, max([len(numbers), *counts, 1])


def _below(pdf: PdfObjects, heads: Mapping[int, bytes], root: int) -> list[int]:
    numbers, waiting, seen = [], [root], {root}
    while waiting:
        number = waiting.pop()
        head = heads.get(number, b"")
        if _PAGE.search(head):
            numbers.append(number)
        kids = [kid for kid in references(pdf.value(head, b"Kids")) if kid not in seen]
        seen.update(kids)
        waiting += reversed(kids)
    return numbers


def _ends(file: IO[bytes], size_bytes: int) -> bytes:
    raw = file.read(min(_HEAD_BYTES, size_bytes))
    if b"%PDF-" not in raw[:1024]:
        raise ValueError("damaged: no PDF header")
    if size_bytes > len(raw):
        file.seek(max(len(raw), size_bytes - _TAIL_BYTES))
        raw += file.read()
    if b"startxref" not in raw[-4096:] and b"%%EOF" not in raw[-4096:]:
        raise ValueError("damaged: the PDF stops in the middle")
    return raw


def _is_scan(pages: Sequence[Page]) -> bool:
    """No letters at all, or hardly any and a picture on each page."""
    letters = sum(len("".join(page.text.split())) for page in pages)
    return not letters or (letters < _SCAN_LETTERS * len(pages) and all(page.pictures for page in pages))
