"""The text that the content stream of a PDF page shows, in the order in which it is drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .pdf_fonts import Decode
from .pdf_strings import unescaped

_TOKEN = re.compile(
    # A shown string; parentheses may be escaped, or stand in pairs one deep. The closing one is optional and no two
    # parts can match the same bytes, so a search costs time in proportion to the length whatever the bytes are.
    rb"\(([^()\\]*(?:(?:\\.|\([^()\\]*(?:\\.[^()\\]*)*\))[^()\\]*)*)\)?"
    rb"|<([0-9A-Fa-f\s]*)>"
    rb"|/([^\s/<>\[\]()]+)\s+(?:(Do)\b|[-+\d.]{1,20}\s+Tf\b)"
    rb"|([-+\d.]{1,20})\s+T([dDm])\b|T(\*)"
    # Strings are moved on by thousandths of the font size: spaces are 250 or more wide, kerning pairs up to 150.
    rb"|(-(?:1[7-9]\d|[2-9]\d\d|\d{4,})(?=[\s\d.(<\]]))",
    re.DOTALL,
)
_DRAWING = 32 << 10  # longer contents hold mostly lines and curves, which cost more to search than to cut out
_FORM = re.compile(rb"/[^\s/<>\[\]()]+\s+Do\b")
_MARKED = re.compile(rb"<<[^<>]*(?:<[0-9A-Fa-f\s]*>[^<>]*)*>>")


def shown_text(content: bytes, fonts: Mapping[bytes, Decode], form: Callable[[bytes], str]) -> str:
    """`fonts` decode by resource name; `form` gives the text of a named form, which a page may draw too."""
    if len(content) > _DRAWING:
        blocks = [piece.rpartition(b"ET")[0] or piece for piece in content.split(b"BT")[1:]]
        content = b"\n".join(blocks + _FORM.findall(content))
    if b"BDC" in content:
        content = _MARKED.sub(b"", content)  # properties of marked content hold strings that are not shown
    pieces: list[str] = []
    codes: list[bytes] = []  # shown one after the other in one font
    decode: Decode = _unknown
    height = b""
    for literal, digits, name, do, above, move, star, gap in _TOKEN.findall(content):
        if literal:
            codes.append(unescaped(literal) if b"\\" in literal else literal)
            continue
        if digits:
            codes.append(_from_hex(digits))
            continue
        if codes:
            pieces.append(decode(b"".join(codes)))
            codes = []
        if gap:
            pieces.append(" ")
        elif do:
            pieces.append(form(name))
        elif name:
            decode = fonts.get(name, _unknown)
        elif move or star:
            moved = star or (above != height if move == b"m" else above.strip(b"+-0."))
            height = above if move == b"m" else height
            pieces.append("\n" if moved else " ")
    return _joined([*pieces, decode(b"".join(codes))])


def _joined(pieces: list[str]) -> str:
    """Where each letter is placed by itself, the moves between letters are no gaps between words."""
    shown = [piece for piece in pieces if piece.strip()]
    if len(shown) > 20 and sum(map(len, shown)) < 2 * len(shown):
        return "".join(shown)
    return "".join(pieces)


def _unknown(codes: bytes) -> str:
    return codes.decode("cp1252", "replace")


def _from_hex(digits: bytes) -> bytes:
    packed = b"".join(digits.split())
    return bytes.fromhex((packed + b"0" * (len(packed) % 2)).decode())
