"""Puts several rows into one sequence, each with positions of its own, so that little is lost to padding."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

from finetune.template import IGNORED

Row = dict[str, list[int]]
_WIDER = (1.0, 1.25, 1.5)  # times the longest row: attention grows with the square of a sequence


def packed(rows: Sequence[Row], capacity: int) -> list[Row]:
    """Sequences of at most `capacity` tokens that hold every row whole, by best fit, the longest rows first.

    Positions begin anew with each row: from that transformers' attention keeps them apart, and the loss of a
    sequence is that of its rows one by one. Rows are no longer than `capacity`.
    """
    room: list[tuple[int, int]] = []  # free tokens, number of the sequence
    sequences: list[list[Row]] = []
    for row in sorted(rows, key=lambda row: -len(row["input_ids"])):
        need = len(row["input_ids"])
        at = bisect_left(room, (need, -1))
        if at == len(room):
            room.append((capacity, len(sequences)))
            sequences.append([])
        free, number = room.pop(at)
        sequences[number].append(row)
        insort(room, (free - need, number))
    return [joined(parts) for parts in sequences]


def snug(rows: Sequence[Row]) -> list[Row]:
    """The rows of one batch in as few and as full sequences as may be, hardly longer than the longest row."""
    longest = max(len(row["input_ids"]) for row in rows)
    tried = [packed(rows, round(longest * wider)) for wider in _WIDER]
    return min(tried, key=computed)  # of equals the narrowest, which attention reads fastest


def computed(sequences: Sequence[Row]) -> int:
    """Tokens that a model computes for a batch of these, padding included."""
    return len(sequences) * max(len(row["input_ids"]) for row in sequences)


def joined(parts: Iterable[Row]) -> Row:
    """The rows one after another. A row's first token is no target: the model would guess it from another row."""
    whole: Row = {"input_ids": [], "labels": [], "position_ids": []}
    for part in parts:
        whole["input_ids"] += part["input_ids"]
        whole["labels"] += [IGNORED, *part["labels"][1:]]
        whole["position_ids"] += range(len(part["input_ids"]))
    return whole


def parted(sequences: Iterable[Row]) -> list[Row]:
    """The rows of packed sequences, each alone again; those of a single token teach nothing and are left out."""
    found: list[Row] = []
    for whole in sequences:
        starts = [at for at, place in enumerate(whole["position_ids"]) if place == 0]
        for start, end in zip(starts, [*starts[1:], len(whole["position_ids"])], strict=True):
            if end - start > 1:
                found.append({name: whole[name][start:end] for name in ("input_ids", "labels")})
    return found


def blocks(documents: Iterable[Sequence[int]], capacity: int) -> list[Row]:
    """Documents one after another, cut every `capacity` tokens; a document that is cut goes on in the next block."""
    found: list[Row] = []
    parts: list[Row] = []
    free = capacity
    for document in documents:
        rest = list(document)
        while rest:
            piece, rest = rest[:free], rest[free:]
            parts.append({"input_ids": piece, "labels": piece})
            free -= len(piece)
            if not free:
                found.append(joined(parts))
                parts, free = [], capacity
    return [*found, joined(parts)] if parts else found
