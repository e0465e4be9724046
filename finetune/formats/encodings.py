"""Bytes to text: UTF-8 with or without a mark, UTF-16 with one, and GB18030, which Chinese spreadsheets write."""

from __future__ import annotations

import codecs

# Of the characters beyond ASCII, so many must be common Chinese ones: bytes of other encodings rarely decode so.
_COMMON_SHARE = 0.9


def decoded(raw: bytes) -> str | None:
    """The text, or None when it is in no encoding that can be told for certain."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _tried(raw, "utf-16")
    text = _tried(raw, "utf-8-sig")
    if text is None:
        text = _tried(raw, "gb18030")
        return text if text is not None and _is_common_chinese(text) else None
    return text


def _tried(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_common_chinese(text: str) -> bool:
    """Whether nearly all of it stands in GB 2312, the 6,763 characters and marks of everyday text."""
    beyond = [character for character in text if ord(character) > 127]
    common = sum(_in_gb2312(character) for character in beyond)
    return common >= _COMMON_SHARE * len(beyond)


def _in_gb2312(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def first_bad_line(raw: bytes) -> int:
    """The line, from 1, of the first byte that is not UTF-8."""
    try:
        raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return raw[: error.start].count(b"\n") + 1
    return 1
