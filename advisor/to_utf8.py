"""Bytes of a text file as UTF-8, whatever encoding they are in."""

from __future__ import annotations

import codecs

_MARKS = (  # longest first: the UTF-32 mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CUT = 4  # bytes at the end of what was read in which a character may be cut
_FLIPPED = (
    20  # characters beyond ASCII for each broken one: flipped bytes in real UTF-8, not another encoding
)


def to_utf8(raw: bytes) -> bytes:
    """From UTF-16 and UTF-32 with or without a mark, UTF-8, GB 18030, else Latin-1; ValueError where it is no text."""
    for mark, codec in _MARKS:
        if raw.startswith(mark):
            return _decoded(raw, codec)
    if b"\0" in raw[:1024]:
        return _decoded(raw, _unmarked(raw))
    if _fits(raw, "utf-8"):
        return raw
    text = raw.decode("utf-8", "replace")
    beyond_ascii = (len(text.encode()) - len(text)) / 2
    if text.count("\ufffd") * _FLIPPED < beyond_ascii:
        return text.encode()
    return _decoded(raw, "gb18030" if _fits(raw, "gb18030") else "latin-1")


def _decoded(raw: bytes, codec: str) -> bytes:
    return raw.decode(codec, "replace").encode("utf-8", "replace")


def _fits(raw: bytes, codec: str) -> bool:
    try:
        raw.decode(codec)
    except UnicodeDecodeError as error:
        return error.start >= len(raw) - _CUT
    return True


def _unmarked(raw: bytes) -> str:
    """Mostly Latin text in UTF-16 or UTF-32 shows as zero bytes at every second place, or at three of four."""
    head = raw[:4096]
    zeros = head.count(0) / len(head)
    wide = "utf-32" if zeros > 2 / 3 else "utf-16"
    big = head[0] == 0 if wide == "utf-32" else head[::2].count(0) > head[1::2].count(0)
    codec = f"{wide}-{'be' if big else 'le'}"
    if zeros < 1 / 4 or not _fits(raw, codec):
        raise ValueError("binary content under a text suffix")
    return codec
