"""Looks into a file just far enough to estimate its text: the table of formats, and those that are plain text."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

from .column_names import names_of_lines, names_of_tables
from .glimpse import Glimpse
from .markup_text import without_blocks, without_tags
from .to_utf8 import to_utf8


def look_into(path: str, suffix: str, size_bytes: int, limit: int) -> Glimpse:
    """Reads at most about `limit` bytes; ValueError with a short reason where the file cannot be read."""
    if size_bytes == 0:
        raise ValueError("empty file")
    # Unbuffered: a buffer as large as the limit, not as the file, takes longer to allocate than the file to read.
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (a third of the time of Path)
        glimpse = READERS[suffix](file, size_bytes, limit)
    if not glimpse.pages and not glimpse.text.strip():
        raise ValueError("holds no text")
    return glimpse


def _plain(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    raw = file.read(min(limit, size_bytes)) or b""
    return Glimpse(text=to_utf8(raw), share=len(raw) / max(size_bytes, len(raw)))


def _table(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    seen = _plain(file, size_bytes, limit)
    return Glimpse(text=seen.text, share=seen.share, repeated=names_of_lines(seen.text))


def _markup(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    seen = _plain(file, size_bytes, limit)
    body = without_blocks(seen.text)
    tables = names_of_tables(body.lower(), b"<table", b"tr>", b"t") if b"</table" in body else ()
    return Glimpse(text=without_tags(body), share=seen.share, repeated=tables)


def _docx(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    from .office_glance import glance_at_docx

    return glance_at_docx(file, size_bytes, limit)


def _xlsx(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    from .office_glance import glance_at_xlsx

    return glance_at_xlsx(file, size_bytes, limit)


def _pdf(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    from .pdf_glance import glance_at_pdf

    return glance_at_pdf(file, size_bytes, limit)


def _slides(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    from .packed_glance import glance_at_slides

    return glance_at_slides(file, size_bytes, limit)


def _open_document(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    from .packed_glance import glance_at_open_document

    return glance_at_open_document(file, size_bytes, limit)


def _book(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    from .packed_glance import glance_at_book

    return glance_at_book(file, size_bytes, limit)


def _archive(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    from .packed_glance import glance_at_archive

    return glance_at_archive(file, size_bytes, limit)


def _old_office(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    from .old_glance import glance_at_old_office

    return glance_at_old_office(file, size_bytes, limit)


def _rtf(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    from .old_glance import glance_at_rtf

    return glance_at_rtf(file, size_bytes, limit)


def _mail(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    from .mail_glance import glance_at_mail

    return glance_at_mail(file, size_bytes, limit)


# Suffixes that the indexing of this project reads today, and no others: what is counted here can be indexed.
READERS: dict[str, Callable[[IO[bytes], int, int], Glimpse]] = {
    ".adoc": _plain,
    ".asciidoc": _plain,
    ".csv": _table,
    ".doc": _old_office,
    ".docx": _docx,
    ".eml": _mail,
    ".epub": _book,
    ".htm": _markup,
    ".html": _markup,
    ".json": _plain,
    ".jsonl": _plain,
    ".markdown": _plain,
    ".md": _plain,
    ".msg": _old_office,
    ".nxml": _markup,
    ".odp": _open_document,
    ".ods": _open_document,
    ".odt": _open_document,
    ".pdf": _pdf,
    ".ppt": _old_office,
    ".pptx": _slides,
    ".rst": _plain,
    ".rtf": _rtf,
    ".tex": _plain,
    ".tsv": _table,
    ".txt": _plain,
    ".xhtml": _markup,
    ".xls": _old_office,
    ".xlsm": _xlsx,
    ".xlsx": _xlsx,
    ".xml": _markup,
    ".zip": _archive,
}
