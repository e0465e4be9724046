"""Column names of tables: an index repeats them on every row, so that a row found alone is understood."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .markup_text import without_tags

Repeated = tuple[bytes, int]  # the names of a table's columns, and how many rows repeat them

_LONGEST_NAME = 80 * 3  # bytes; a longer cell names no column
_VALUE = re.compile(rb"[-+(]?[$\xc2-\xef\s]*[\d.,\s]*\d[\d.,\s)%]*")
_YEAR = re.compile(rb"(19|20)\d\d")
_DELIMITERS = (b",", b";", b"\t", b"|")


def names_of_lines(text: bytes) -> tuple[Repeated, ...]:
    """Of a file with delimited lines; none where the first line holds values."""
    first, _, rest = text.lstrip(b"\xef\xbb\xbf").partition(b"\n")
    delimiter = max(_DELIMITERS, key=first.count)
    rest = rest.rstrip()
    return names_of_rows([first.split(delimiter)], rest.count(b"\n") + bool(rest))


def names_of_rows(rows: Sequence[Sequence[bytes]], count: int) -> tuple[Repeated, ...]:
    """`rows` begin with the one that may name the columns; `count` rows follow it."""
    names = [cell.strip(b' "\r') for cell in rows[0]] if rows else []
    names = [name for name in names if name]
    if count < 1 or len(names) < 2 or any(map(_is_value, names)):
        return ()
    return ((b": ".join(names) + b":", count),)


def names_of_tables(markup: bytes, table: bytes, row: bytes, cell: bytes) -> tuple[Repeated, ...]:
    """Of each table, given what starts it and the tags that end its rows and cells."""
    return tuple(found for piece in markup.split(table)[1:] for found in _names_of_table(piece, row, cell))


def _names_of_table(piece: bytes, row: bytes, cell: bytes) -> tuple[Repeated, ...]:
    first, _, others = piece.partition(b"</" + row)
    cells = [b" ".join(without_tags(b"<" + part).split()) for part in first.split(b"</" + cell)[:-1]]
    return names_of_rows([cells], others.count(b"</" + row))


def _is_value(name: bytes) -> bool:
    return len(name) > _LONGEST_NAME or (bool(_VALUE.fullmatch(name)) and not _YEAR.fullmatch(name))
