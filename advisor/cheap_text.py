"""Looks into a file just far enough to estimate its text; it parses neither PDF nor Office files."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import IO

from .glimpse import Glimpse

# Blocks whose content is no text, and how they end. Looked for one after the other, so that a file full of openings
# costs no more than any other: a single expression for tags and blocks would take the square of its length.
_BLOCK = re.compile(rb"(?i)<(script|style)\b|<!--")
_OLE = b"\xd0\xcf\x11\xe0"  # an encrypted .docx or .xlsx is wrapped in the old compound format
_IN_MEMORY = 1 << 20  # an archive up to this size is read at once, which saves a dozen small reads
_MAX_MEMBER = 256 << 20  # an Office part that claims to unpack to more is no document
_MAX_RATIO = 300  # deflate of XML text stays far below; bombs lie near 1,000


def look_into(path: str, suffix: str, size_bytes: int, limit: int) -> Glimpse:
    """Reads at most about `limit` bytes; ValueError with a short reason where the file cannot be read."""
    if size_bytes == 0:
        raise ValueError("empty file")
    # Unbuffered: a buffer as large as the limit, not as the file, takes longer to allocate than the file to read.
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (a third of the time of Path)
        return READERS[suffix](file, size_bytes, limit)


def _plain(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    raw = file.read(min(limit, size_bytes)) or b""
    return Glimpse(text=_as_utf8(raw), share=len(raw) / max(size_bytes, len(raw)))


def _markup(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    seen = _plain(file, size_bytes, limit)
    return Glimpse(text=_without_tags(seen.text), share=seen.share)


def _docx(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    return _office(file, size_bytes, ("word/document.xml",), limit)


def _xlsx(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    return _office(file, size_bytes, ("xl/sharedStrings.xml", "xl/worksheets/sheet"), limit)


def _office(file: IO[bytes], size_bytes: int, wanted: tuple[str, ...], limit: int) -> Glimpse:
    """Text of the parts whose names start as `wanted`; the unpacked size is bounded before anything is unpacked."""
    import zipfile
    import zlib

    head = file.read(min(size_bytes, _IN_MEMORY)) or b""
    if head.startswith(_OLE):
        raise ValueError("encrypted, or an old binary Office file")
    try:
        with zipfile.ZipFile(io.BytesIO(head) if size_bytes <= _IN_MEMORY else file) as archive:
            parts = [item for item in archive.infolist() if item.filename.startswith(wanted)]
            if not parts:
                raise ValueError("damaged: the part with the text is missing")
            if any(
                p.file_size > _MAX_MEMBER or p.file_size > _MAX_RATIO * max(p.compress_size, 1) for p in parts
            ):
                raise ValueError("refused: unpacks to far more than a document holds")
            whole = sum(part.file_size for part in parts)
            text, budget = b"", limit
            for part in parts:
                with archive.open(part) as member:
                    piece = member.read(max(0, budget))
                budget -= len(piece)
                text += piece + b" "
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise ValueError(f"damaged: {error}") from None
    return Glimpse(text=_without_tags(text), share=min(1.0, len(text) / max(1, whole)))


def _pdf(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    from .pdf_glance import glance_at_pdf

    return glance_at_pdf(file, size_bytes, limit)


def _without_tags(data: bytes) -> bytes:
    """The text between tags, in time proportional to the length whatever the bytes are."""
    first, *rest = _without_blocks(data).split(b"<")
    return b" ".join([first, *[piece.partition(b">")[2] for piece in rest]])


def _without_blocks(data: bytes) -> bytes:
    """Drops scripts, styles and comments; one that never ends reaches to the end of the text, as in a browser."""
    lower, kept, start = data.lower(), [], 0
    while match := _BLOCK.search(data, start):
        kept.append(data[start : match.start()])
        closing = b"</" + match[1].lower() if match[1] else b"-->"
        end = lower.find(closing, match.end())
        if end < 0:
            return b" ".join(kept)
        start = end + (0 if match[1] else len(closing))
    kept.append(data[start:])
    return b" ".join(kept)


def _as_utf8(raw: bytes) -> bytes:
    """Text bytes as UTF-8. Neither UTF-8 nor UTF-16 is taken for GB 18030 where that fits, else for Latin-1."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace").encode()
    if b"\0" in raw[:1024]:
        raise ValueError("binary content under a text suffix")
    for codec in ("utf-8", "gb18030"):
        try:
            raw.decode(codec)
        except UnicodeDecodeError as error:
            if error.start < len(raw) - 4:  # a character cut at the limit is no sign of another encoding
                continue
        return raw if codec == "utf-8" else raw.decode(codec, "replace").encode()
    return raw.decode("latin-1").encode()


READERS: dict[str, Callable[[IO[bytes], int, int], Glimpse]] = {
    ".csv": _plain,
    ".docx": _docx,
    ".htm": _markup,
    ".html": _markup,
    ".markdown": _plain,
    ".md": _plain,
    ".pdf": _pdf,
    ".tsv": _plain,
    ".txt": _plain,
    ".xlsx": _xlsx,
}
