"""Reads the literal strings of a PDF: what a backslash stands for (PDF 32000-1, table 3)."""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\(\r\n|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPED = {
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"b": b"\b",
    b"f": b"\f",
    b"\r\n": b"",
    b"\n": b"",
    b"\r": b"",
}


def unescaped(literal: bytes) -> bytes:
    """The bytes between the outer parentheses, escapes resolved."""
    return _ESCAPE.sub(_escaped, literal)


def _escaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code[:1].isdigit() and code[:1] < b"8":
        return bytes((int(code, 8) & 255,))
    return _ESCAPED.get(code, code)
