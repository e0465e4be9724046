"""Looks into slides, open documents, books and archives: what of a ZIP file holds text, unpacked within bounds."""

from __future__ import annotations

import io
from typing import IO

from .glimpse import Glimpse
from .markup_text import without_blocks, without_tags
from .office_glance import unpacked

_TAGS = 8  # bytes of XML for each byte of text
_PARAGRAPHS = (b"</a:p>", b"</text:p>", b"</text:h>", b"</p>")


def glance_at_slides(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    """ValueError with a short reason where the file is encrypted, damaged or a bomb; the same for the others."""
    return _marked_up(file, size_bytes, limit, ("ppt/slides/slide", "ppt/notesSlides/notesSlide"), (".xml",))


def glance_at_open_document(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    return _marked_up(file, size_bytes, limit, ("content.xml",), (".xml",))


def glance_at_book(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    return _marked_up(file, size_bytes, limit, ("",), (".xhtml", ".html", ".htm"))


def glance_at_archive(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    """Each document in it is looked into as if it lay in the folder, until the limit is reached."""
    from .cheap_text import READERS

    readable = tuple(suffix for suffix in READERS if suffix != ".zip")
    parts, share = unpacked(file, size_bytes, ("",), limit * _TAGS, readable)
    texts, pages = [], 0
    for name, content in parts.items():
        suffix = f".{name.rpartition('.')[2].lower()}"
        try:
            seen = READERS[suffix](io.BytesIO(content), len(content), limit) if content else Glimpse()
        except ValueError:  # that document's own trouble, or it was cut off at the limit
            continue
        texts.append(seen.text)
        pages += seen.pages
    return Glimpse(text=b"\n".join(texts), share=share, pages=pages)


def _marked_up(
    file: IO[bytes], size_bytes: int, limit: int, wanted: tuple[str, ...], suffixes: tuple[str, ...]
) -> Glimpse:
    parts, share = unpacked(file, size_bytes, wanted, limit * _TAGS, suffixes)
    markup = b"\n".join(parts.values())
    if suffixes != (".xml",):  # elements of open documents are called style:style
        markup = without_blocks(markup)
    for end in _PARAGRAPHS:
        markup = markup.replace(end, b"\n")
    return Glimpse(text=without_tags(markup), share=share)
