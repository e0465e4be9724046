"""Finds the numbered objects of a PDF in its raw bytes, without a cross-reference table, and unpacks their streams."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

_NUMBER = re.compile(rb"(\d{1,9})\s+\d{1,5}\s+$")
_REFERENCE = re.compile(rb"\s*(\d{1,9})\s+\d{1,5}\s+R\b")
_REFERENCES = re.compile(rb"(\d{1,9})\s+\d{1,5}\s+R\b")
_STREAM = re.compile(rb"stream\r?\n")
_END = re.compile(rb"endobj|stream\r?\n")
_FILTERS = re.compile(rb"/Filter\s*(?:\[([^\]]{0,200})\]|(/\w+))")
_HEAD_LIMIT = 64 << 10  # of a dictionary
_PACKED_LIMIT = 1 << 20
_STREAM_LIMIT = 1 << 20
_OBJECT_STREAMS = 64
_MOST_OBJECTS = 50_000


class PdfObjects:
    """Objects by number, the last definition of each. It is state that lives between look-ups."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        starts = list(_object_starts(raw))
        ends = [start for _, start in starts[1:]] + [len(raw)]
        # Bounded by the next object, so that objects that never end cannot overlap and multiply one another.
        self._places = {number: (start, end) for (number, start), end in zip(starts, ends, strict=False)}
        self._packed: dict[int, bytes] = {}
        packed = [number for number in self._places if b"/ObjStm" in self.head(number)]
        for number in packed[:_OBJECT_STREAMS]:
            self._packed.update(_unpacked(self.head(number), self.stream(number)))

    def head(self, number: int) -> bytes:
        """The object's dictionary or array, without its stream; empty where there is no such object."""
        if number not in self._places:
            return self._packed.get(number, b"")
        start, end = self._places[number]
        end = min(end, start + _HEAD_LIMIT)
        closing = _END.search(self._raw, start, end)
        return self._raw[start : closing.start() if closing else end]

    def heads(self) -> Iterator[tuple[int, bytes]]:
        for number in (*self._places, *(self._packed.keys() - self._places.keys())):
            yield number, self.head(number)

    def stream(self, number: int, limit: int = _STREAM_LIMIT) -> bytes:
        """At most `limit` unpacked bytes; empty where there is no stream, or its filter is not one of text streams."""
        if number not in self._places:
            return b""
        head = self.head(number)
        start = self._places[number][0] + len(head)
        opening = _STREAM.match(self._raw, start)
        if opening is None:
            return b""
        end = self._raw.find(b"endstream", opening.end(), opening.end() + _PACKED_LIMIT)
        packed = self._raw[opening.end() : end if end >= 0 else opening.end() + _PACKED_LIMIT]
        return _decoded(packed, head, limit)

    def value(self, head: bytes, key: bytes) -> bytes:
        """What stands after `/key` in a dictionary, from there to the dictionary's end; a reference is followed."""
        place = re.search(b"/" + key + rb"(?![A-Za-z0-9])", head)
        if place is None:
            return b""
        rest = head[place.end() :]
        reference = _REFERENCE.match(rest)
        return self.head(int(reference[1])) if reference else rest

    def number(self, head: bytes, key: bytes) -> int | None:
        """The object that `/key` refers to."""
        found = re.search(b"/" + key + rb"\s*(\d{1,9})\s+\d{1,5}\s+R\b", head)
        return int(found[1]) if found else None


def references(array: bytes) -> list[int]:
    """Numbers of the objects in the array that `array` starts with, or of the one reference that it starts with."""
    text = array.lstrip()
    if text.startswith(b"["):
        return [int(number) for number in _REFERENCES.findall(text[: text.find(b"]")])]
    reference = _REFERENCE.match(text)
    return [int(reference[1])] if reference else []


def dictionary(text: bytes) -> bytes:
    """The dictionary that `text` starts with, whole, whatever it nests; empty where it starts with none."""
    text = text.lstrip()
    if not text.startswith(b"<<"):
        return b""
    depth, place = 0, 0
    for mark in re.finditer(rb"<<|>>", text):
        depth += 1 if mark[0] == b"<<" else -1
        place = mark.end()
        if depth == 0:
            break
    return text[:place]


def _object_starts(raw: bytes) -> Iterator[tuple[int, int]]:
    """Searched by the word alone, which is many times as fast as an expression for the whole line."""
    place = raw.find(b"obj")
    for _ in range(_MOST_OBJECTS):
        if place < 0:
            return
        if raw[place - 3 : place] != b"end":
            number = _NUMBER.search(raw, max(0, place - 20), place)
            if number:
                yield int(number[1]), place + 3
        place = raw.find(b"obj", place + 3)


def _decoded(packed: bytes, head: bytes, limit: int) -> bytes:
    filters = _FILTERS.search(head)
    for name in (filters[1] or filters[2] or b"").split(b"/")[1:] if filters else ():
        if name.strip() in (b"FlateDecode", b"Fl"):
            packed = _inflated(packed, limit)
        elif name.strip() in (b"ASCII85Decode", b"A85"):
            packed = _from_ascii85(packed)
        else:
            return b""
    return packed[:limit]


def _inflated(packed: bytes, limit: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, limit)
    except zlib.error:
        return b""


def _from_ascii85(packed: bytes) -> bytes:
    import base64

    try:
        return base64.a85decode(packed.strip().removeprefix(b"<~").removesuffix(b"~>"))
    except ValueError:
        return b""


def _unpacked(head: bytes, content: bytes) -> Iterator[tuple[int, bytes]]:
    """The objects of an object stream: pairs of number and offset, and from /First on the objects themselves."""
    first = re.search(rb"/First\s+(\d{1,9})", head)
    if first is None:
        return
    numbers = [int(item) for item in re.findall(rb"\d{1,9}", content[: int(first[1])])]
    pairs = zip(numbers[::2], numbers[1::2], strict=False)
    places = sorted({int(first[1]) + offset: number for number, offset in pairs}.items())
    ends = [place for place, _ in places[1:]] + [len(content)]
    for (place, number), end in zip(places, ends, strict=False):
        yield number, content[place:end][:_HEAD_LIMIT]
