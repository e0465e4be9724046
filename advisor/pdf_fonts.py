"""What the character codes of a PDF font mean, so far as its ToUnicode map or a known encoding tells."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .pdf_objects import PdfObjects

Decode = Callable[[bytes], str]

_CMAP_LIMIT = 128 << 10
_HEX = re.compile(rb"<\s*([0-9A-Fa-f]*)\s*>")
_RANGE = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*(?:<([0-9A-Fa-f]*)>|\[([^\]]{0,2048})\])")
_DIFFERENCE = re.compile(rb"/([^\s/\[\]<>()]+)|(\d{1,3})")
_MOST_CODES = 65_536  # two bytes have no more
_CP1252 = {code: bytes((code,)).decode("cp1252", "replace") for code in range(0x80, 0xA0)}
# Predefined maps of composite fonts by a part of their name (PDF 32000-1, table 118) -> Python's codec.
_CODECS = (
    (b"UCS2", "utf-16-be"),
    (b"UTF16", "utf-16-be"),
    (b"GB", "gb18030"),
    (b"RKSJ", "cp932"),
    (b"B5", "big5"),
    (b"KSC", "cp949"),
)
# Glyph names that are no single letter (Adobe Glyph List) and stand often enough in text to matter.
_GLYPHS: Mapping[bytes, str] = {
    **{
        name: str(digit)
        for digit, name in enumerate(b"zero one two three four five six seven eight nine".split())
    },
    **dict(
        zip(
            b"space period comma colon semicolon hyphen parenleft parenright".split(), " .,:;-()", strict=True
        )
    ),
    **dict(zip(b"quotesingle quotedbl slash percent dollar at ampersand".split(), "'\"/%$@&", strict=True)),
    **{ligature.encode(): ligature for ligature in ("fi", "fl", "ff", "ffi", "ffl")},
    **dict(zip(b"quoteright quoteleft endash emdash".split(), "’‘–—", strict=True)),
}


class _Meanings(dict[int, str]):
    """For str.translate, which leaves a character as it is where a plain dictionary lacks it."""

    def __missing__(self, code: int) -> str:
        return "\ufffd"


def read_font(pdf: PdfObjects, number: int) -> Decode:
    """A function from the codes of a shown string to text; unknown codes of two bytes become U+FFFD."""
    head = pdf.head(number)
    wide = b"/Type0" in head
    unicode_map = pdf.number(head, b"ToUnicode")
    meanings = _read_cmap(pdf.stream(unicode_map, _CMAP_LIMIT)) if unicode_map is not None else {}
    if wide:
        return _wide_decoder(head, meanings)
    return _narrow_decoder({**_differences(pdf, head), **meanings})


def _wide_decoder(head: bytes, meanings: Mapping[int, str]) -> Decode:
    encoding = re.search(rb"/Encoding\s*/([\w-]+)", head)
    codec = next((codec for part, codec in _CODECS if encoding and part in encoding[1]), None)
    if codec and not meanings:
        return lambda codes: codes.decode(codec, "replace")

    known = _Meanings(meanings)
    return lambda codes: codes.decode(
        "utf-16-be", "surrogatepass" if len(codes) % 2 == 0 else "replace"
    ).translate(known)


def _narrow_decoder(meanings: Mapping[int, str]) -> Decode:
    table = {**_CP1252, **meanings}
    return lambda codes: codes.decode("latin-1").translate(table)


def _differences(pdf: PdfObjects, head: bytes) -> dict[int, str]:
    """The named glyphs of an /Encoding with /Differences; names that say nothing leave the code as it is."""
    encoding = pdf.value(head, b"Encoding")
    start = encoding.find(b"/Differences")
    if start < 0:
        return {}
    array = encoding[start + 12 : encoding.find(b"]", start)]
    meanings, code = {}, 0
    for name, number in _DIFFERENCE.findall(array):
        if number:
            code = int(number)
            continue
        if len(name) == 1 or name in _GLYPHS:
            meanings[code] = _GLYPHS.get(name) or name.decode("latin-1")
        code += 1
    return {code: text for code, text in meanings.items() if code < 256}


def _read_cmap(cmap: bytes) -> dict[int, str]:
    meanings: dict[int, str] = {}
    room = _MOST_CODES
    for piece in cmap.split(b"beginbf")[1:]:
        block = piece.partition(b"endbf")[0]
        if block.startswith(b"char"):
            codes = _HEX.findall(block)
            pairs = zip(codes[::2], codes[1::2], strict=False)
            meanings.update({int(code, 16): _text(text) for code, text in pairs if code})
            continue
        for first, last, start, array in _RANGE.findall(block):
            found = _range(int(first, 16), int(last, 16), start, array)
            room -= len(found)
            if room < 0:
                return meanings
            meanings.update(found)
    return meanings


def _range(first: int, last: int, start: bytes, array: bytes) -> dict[int, str]:
    if array:
        return {first + step: _text(text) for step, text in enumerate(_HEX.findall(array))}
    text = _text(start)
    if not text or last - first >= _MOST_CODES:
        return {}
    head, tail = text[:-1], ord(text[-1])
    return {code: head + chr(min(tail + code - first, 0x10FFFF)) for code in range(first, last + 1)}


def _text(code: bytes) -> str:
    if len(code) == 4:
        return chr(int(code, 16))
    return bytes.fromhex(code.decode() + "0" * (len(code) % 2)).decode("utf-16-be", "ignore")
