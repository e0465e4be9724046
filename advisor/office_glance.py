"""Looks into DOCX and XLSX files: the XML parts of a ZIP archive, unpacked within bounds and not parsed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

from .column_names import names_of_tables
from .glimpse import Glimpse
from .markup_text import without_tags
from .sheet_rows import read_sheets

if TYPE_CHECKING:
    import zipfile

_OLE = b"\xd0\xcf\x11\xe0"  # an encrypted .docx or .xlsx is wrapped in the old compound format
_IN_MEMORY = 1 << 20  # an archive up to this size is read at once, which saves a dozen small reads
_MAX_MEMBER = 256 << 20  # a part that claims to unpack to more is no document
_MAX_RATIO = 300  # deflate of XML text stays far below; bombs lie near 1,000
_TAGS = 8  # bytes of XML for each byte of text, in the documents of Word


def glance_at_docx(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    """ValueError with a short reason where the file is encrypted, damaged or a bomb; the same for the next."""
    parts, share = unpacked(file, size_bytes, ("word/document.xml",), limit * _TAGS)
    xml = b"".join(parts.values())
    if share == 1 and not xml.rstrip().endswith(b"document>"):
        raise ValueError("damaged: the text stops in the middle")
    return Glimpse(
        text=without_tags(xml.replace(b"</w:p>", b"\n")),
        share=share,
        repeated=names_of_tables(xml, b"<w:tbl>", b"w:tr>", b"w:tc>"),
    )


def glance_at_xlsx(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    parts, share = unpacked(file, size_bytes, ("xl/sharedStrings.xml", "xl/worksheets/sheet"), limit * _TAGS)
    strings = parts.pop("xl/sharedStrings.xml", b"")
    text, repeated = read_sheets(strings, [parts[name] for name in sorted(parts)])
    return Glimpse(text=text, share=share, repeated=repeated)


def unpacked(
    file: IO[bytes], size_bytes: int, wanted: tuple[str, ...], limit: int, suffixes: tuple[str, ...] = ("",)
) -> tuple[dict[str, bytes], float]:
    """The parts whose names start and end as told, `limit` bytes in all, and which share of them that is."""
    import zipfile
    import zlib

    head = file.read(min(size_bytes, _IN_MEMORY)) or b""
    if head.startswith(_OLE):
        raise ValueError("encrypted, or an old binary Office file")
    try:
        with zipfile.ZipFile(io.BytesIO(head) if size_bytes <= _IN_MEMORY else file) as archive:
            members = [
                item
                for item in archive.infolist()
                if item.filename.startswith(wanted) and item.filename.lower().endswith(suffixes)
            ]
            bombs = any(map(_is_bomb, members))
            parts = {} if bombs else _read(archive, members, limit)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise ValueError(f"damaged: {error}") from None
    if not members:
        raise ValueError("damaged: the part with the text is missing")
    if bombs:
        raise ValueError("refused: unpacks to far more than a document holds")
    whole = sum(member.file_size for member in members)
    return parts, min(1.0, sum(map(len, parts.values())) / max(1, whole))


def _read(archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], limit: int) -> dict[str, bytes]:
    parts: dict[str, bytes] = {}
    for member in members:
        with archive.open(member) as part:
            parts[member.filename] = part.read(max(0, limit))
        limit -= len(parts[member.filename])
    return parts


def _is_bomb(member: zipfile.ZipInfo) -> bool:
    return member.file_size > min(_MAX_MEMBER, _MAX_RATIO * max(member.compress_size, 1))
