"""Counts rows in the tokens that training makes of them: learned, read, cut, dropped; lengths; how rows look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from finetune.data_records import Lengths, Piece, Preview, Tokens
from finetune.objectives import Encoded
from finetune.packing import Row
from finetune.template import IGNORED, TokenRow

# A pair has two sides.
READ, LEARNED = ("input_ids", "rejected_input_ids"), ("labels", "rejected_labels")
PASSAGES = ("positive_", "negative_")  # of a question to search for
_LONGEST = 5  # rows that the report names
_STEP = 8  # a suggested length is rounded up to it: kernels work on multiples of eight


def counted(encoded: Sequence[Encoded], sequences: Sequence[Row]) -> Tokens:
    """What `sequences` hold, and what of `encoded` did not get into them."""
    labels = sum(bool(example.target) for example in encoded)
    learned = sum(
        label != IGNORED for row in sequences for name in LEARNED for label in row.get(name, [])[1:]
    )
    read = sum(len(ids) for row in sequences for name, ids in row.items() if _is_read(name))
    rows = [(row, _is_kept(row, example)) for example in encoded for row in example.rows]
    dropped = sum(map(is_dropped, encoded))
    return Tokens(
        rows=len(encoded) - dropped,
        supervised=learned + labels,
        masked=read - learned,
        cut=sum(row.lost for row, kept in rows if kept),
        dropped=sum(len(row.input_ids) + row.lost for row, kept in rows if not kept),
        rows_cut=sum(any(row.cut for row in example.rows) and not is_dropped(example) for example in encoded),
        rows_dropped=dropped,
        sequences=len(sequences),
    )


def _is_read(name: str) -> bool:
    return name in READ or name.startswith(PASSAGES)


def _is_kept(row: TokenRow, example: Encoded) -> bool:
    return bool(example.target) or example.asked or any(label != IGNORED for label in row.labels)


def is_dropped(example: Encoded) -> bool:
    """Nothing of it can be learned: its question alone fills the length."""
    return not any(_is_kept(row, example) for row in example.rows)


def length_of(example: Encoded) -> int:
    """Tokens of its longest row before any cut."""
    return max((len(row.input_ids) + row.lost for row in example.rows), default=0)


def lengths(sizes: Sequence[tuple[int, int]], unit: str) -> Lengths:
    """Percentiles of (line, length); each percentile is a length that occurs."""
    ordered = sorted(size for _, size in sizes)
    longest = sorted(sizes, key=lambda pair: (-pair[1], pair[0]))[:_LONGEST]
    p99 = _percentile(ordered, 0.99)
    return Lengths(
        unit=unit,
        p50=_percentile(ordered, 0.5),
        p90=_percentile(ordered, 0.9),
        p99=p99,
        most=ordered[-1],
        longest=tuple(longest),
        suggested=-(-p99 // _STEP) * _STEP if unit == "tokens" else None,
    )


def _percentile(ordered: Sequence[int], share: float) -> int:
    """The smallest length that `share` of the rows do not exceed."""
    return ordered[math.ceil(share * len(ordered)) - 1]


def previews(encoded: Sequence[Encoded], tokenizer: Any, show: int) -> tuple[Preview, ...]:
    """The first rows as the model sees them, a divided conversation by its last row, a pair by both sides."""
    return tuple(
        Preview(line=example.line, side=side, pieces=_pieces(row, example.target, tokenizer))
        for example in encoded[:show]
        for side, row in (zip(example.sides, example.rows, strict=True) if example.sides else _last(example))
    )


def _last(example: Encoded) -> list[tuple[str, TokenRow]]:
    return [("", row) for row in example.rows[-1:]]


def _pieces(row: TokenRow, target: str, tokenizer: Any) -> tuple[Piece, ...]:
    pairs = zip(row.input_ids, row.labels, strict=True)
    pieces = [
        Piece(text=tokenizer.decode([token for token, _ in run]), supervised=supervised)
        for supervised, run in groupby(pairs, key=lambda pair: pair[1] != IGNORED)
    ]
    return (*pieces, Piece(text=target, supervised=True)) if target else tuple(pieces)
