"""Judged answers in tokens: a pair has two sides that share a question, a thumb one.

A side that is too long loses the end of its answer, as in fine-tuning: a question without its beginning would be laid
out otherwise than at work. A pair counts only where something is left of both answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from finetune import template
from finetune.objectives import Encoded
from finetune.packing import Row
from finetune.schema import Example, TrainConfig
from finetune.template import IGNORED, Messages, TokenRow, encode_row, stops_in, told_to_think

PAIR, THUMBS = ("chosen", "rejected"), ("disliked", "liked")
Make = Callable[[Example, Any, frozenset[int]], Encoded]


def load_tokenizer(folder: Path, examples: Sequence[Example]) -> Any:
    """The model's tokenizer, its template as the better answers need it."""
    better = (row.chosen or row.messages for row in examples if row.thumb is not False)
    said = (turn["content"] for turns in better for turn in turns if turn["role"] == "assistant")
    return told_to_think(template.load_tokenizer(folder), said)


def encode_pairs(
    examples: Sequence[Example], config: TrainConfig, folder: Path, tokenizer: Any, length: int
) -> list[Encoded]:
    """Each pair as two rows. Raises ValueError naming the line that a template refuses, unless that is allowed."""
    stops = stops_in(folder, tokenizer)

    def pair(example: Example) -> Encoded:
        both = [_answer(tokenizer, (*example.messages, *end), length, stops) for end in endings(example)]
        if not all(map(is_supervised, both)):
            both = [replace(row, labels=[IGNORED] * len(row.labels)) for row in both]
        return Encoded(line=example.line, rows=tuple(both), sides=PAIR)

    return _each(examples, config, pair)


def encode_thumbs(
    examples: Sequence[Example], config: TrainConfig, folder: Path, tokenizer: Any, length: int
) -> list[Encoded]:
    """Each judged answer as a row. Raises as `encode_pairs`."""
    stops = stops_in(folder, tokenizer)

    def thumb(example: Example) -> Encoded:
        row = _answer(tokenizer, example.messages, length, stops)
        return Encoded(line=example.line, rows=(row,), sides=(THUMBS[bool(example.thumb)],))

    return _each(examples, config, thumb)


def endings(example: Example) -> tuple[Messages, Messages]:
    return example.chosen, example.rejected


def _answer(tokenizer: Any, turns: Messages, length: int, stops: frozenset[int]) -> TokenRow:
    """The last answer is what is judged; what stands before it is the question."""
    if len(turns) < 2:
        raise ValueError("the answer has no question before it; add a column 'prompt'.")
    return encode_row(tokenizer, turns, length, stops)


def _each(
    examples: Sequence[Example], config: TrainConfig, make: Callable[[Example], Encoded]
) -> list[Encoded]:
    found = []
    for example in examples:
        try:
            found.append(make(example))
        except ValueError as error:
            if "refused" not in config.allow:
                raise ValueError(f"Row at line {example.line}: {error}") from None
    return found


def is_supervised(row: TokenRow) -> bool:
    return any(label != IGNORED for label in row.labels)


def pair_rows(encoded: Sequence[Encoded]) -> list[Row]:
    """The pairs of which something is left to compare."""
    return [
        {
            "input_ids": better.input_ids,
            "labels": better.labels,
            "rejected_input_ids": worse.input_ids,
            "rejected_labels": worse.labels,
        }
        for better, worse in (one.rows for one in encoded)
        if is_supervised(better)
    ]


def thumb_rows(encoded: Sequence[Encoded], length: int) -> list[Row]:
    """The judged answers, each beside one to another question: how likely those became tells how far the model has
    moved from its reference (arXiv 2402.01306, section 4.1, which takes them from the same batch)."""
    kept = [(one.rows[0], one.sides[0] == "liked") for one in encoded if is_supervised(one.rows[0])]
    found: list[Row] = []
    for at, (row, liked) in enumerate(kept):
        question, answer = _parts(row)[0], _parts(kept[at - 1][0])[1]
        ids = [*question, *answer][:length]
        found.append(
            {
                "input_ids": row.input_ids,
                "labels": row.labels,
                "mismatched_input_ids": ids,
                "mismatched_labels": [IGNORED] * len(question) + ids[len(question) :],
                "liked": [int(liked)],
            }
        )
    return found


def _parts(row: TokenRow) -> tuple[list[int], list[int]]:
    """Question and answer."""
    start = next(at for at, label in enumerate(row.labels) if label != IGNORED)
    return row.input_ids[:start], row.input_ids[start:]
