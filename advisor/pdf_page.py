"""Reads one page of a PDF: its content, the fonts that the content names, and the forms that it draws."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .pdf_fonts import Decode, read_font
from .pdf_objects import PdfObjects, dictionary, references
from .pdf_text import shown_text

_NAMED = re.compile(rb"/([^\s/<>\[\]()]+)\s+(\d{1,9})\s+\d{1,5}\s+R\b")
_MOST_FORMS = 50
_PARENTS = 8
_CONTENT_LIMIT = 256 << 10  # a page of text has about 5 KB, a drawing up to megabytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    text: str
    pictures: bool  # whether the page shows images


def read_page(pdf: PdfObjects, number: int, fonts: dict[int, Decode]) -> Page | None:
    """None where it has no content that can be unpacked; `fonts` keeps what was learned of a font for the next page."""
    head = pdf.head(number)
    resources = _resources(pdf, head)
    parts = [pdf.stream(part, _CONTENT_LIMIT) for part in _content_parts(pdf, head)]
    content = b"\n".join(parts)[:_CONTENT_LIMIT]
    if not content.strip():
        return None
    drawn: set[int] = set()
    text = _text(pdf, content, resources, fonts, drawn)
    pictures = b"\nBI" in content or any(b"/Image" in pdf.head(item) for item in drawn)
    return Page(text=text, pictures=pictures)


def _content_parts(pdf: PdfObjects, head: bytes) -> list[int]:
    place = head.find(b"/Contents")
    if place < 0:
        return []
    parts = references(head[place + len(b"/Contents") :])
    listed = pdf.head(parts[0]).lstrip() if len(parts) == 1 else b""
    return references(listed) if listed.startswith(b"[") else parts


def _resources(pdf: PdfObjects, head: bytes) -> bytes:
    """The page's own, or those of the nearest ancestor that has some."""
    for _ in range(_PARENTS):
        own = dictionary(pdf.value(head, b"Resources"))
        parent = pdf.number(head, b"Parent")
        if own or parent is None:
            return own
        head = pdf.head(parent)
    return b""


def _text(
    pdf: PdfObjects, content: bytes, resources: bytes, fonts: dict[int, Decode], drawn: set[int]
) -> str:
    """`drawn` collects the pictures and forms; each is looked into once, so that forms cannot multiply one another."""
    objects = _named(pdf, resources, b"XObject")

    def form(name: bytes) -> str:
        number = objects.get(name)
        if number is None or number in drawn or len(drawn) >= _MOST_FORMS:
            return ""
        drawn.add(number)
        head = pdf.head(number)
        if b"/Form" not in head:
            return ""
        own = dictionary(pdf.value(head, b"Resources")) or resources
        return _text(pdf, pdf.stream(number, _CONTENT_LIMIT), own, fonts, drawn)

    for number in (named := _named(pdf, resources, b"Font")).values():
        if number not in fonts:
            fonts[number] = read_font(pdf, number)
    return shown_text(content, {name: fonts[number] for name, number in named.items()}, form)


def _named(pdf: PdfObjects, resources: bytes, kind: bytes) -> dict[bytes, int]:
    entries = dictionary(pdf.value(resources, kind))
    return {name: int(number) for name, number in _NAMED.findall(entries)}
