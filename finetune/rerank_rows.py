"""Questions and passages in the tokens that a cross-encoder reads: each passage together with its question, cut at its
end where both are too long."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.embed_rows import NEGATIVE, POSITIVE
from finetune.objectives import Encoded
from finetune.packing import Row
from finetune.schema import Example, TrainConfig
from finetune.template import IGNORED, TokenRow
from finetune.weights import context_tokens

SPECIAL = 4  # tokens at most that a tokenizer puts around a pair: <s> question </s></s> passage </s>
TOGETHER = 1000  # pairs that the tokenizer is given at a time


def longest(config: TrainConfig, folder: Path) -> int:
    """Tokens of question and passage that are read together."""
    return min(config.max_length, context_tokens(folder) or config.max_length)


def encode(examples: Sequence[Example], config: TrainConfig, folder: Path, tokenizer: Any) -> list[Encoded]:
    """Each example as one row for each of its passages; the labels of a row are its passage's tokens."""
    if not examples:
        return []
    length = longest(config, folder)
    questions = shortened([row.question for row in examples], question_room(config, length), tokenizer)
    wrong = _filled(examples, config)
    pairs = [
        (question, text)
        for question, example, others in zip(questions, examples, wrong, strict=True)
        for text in (*example.positives, *others)
    ]
    read = iter(read_pairs(pairs, length, tokenizer))
    found = []
    for example, others in zip(examples, wrong, strict=True):
        sides = (POSITIVE,) * len(example.positives) + (NEGATIVE,) * len(others)
        rows = tuple(next(read) for _ in sides)
        found.append(Encoded(line=example.line, rows=rows, asked=True, sides=sides))
    return found


def question_room(config: TrainConfig, length: int) -> int:
    """Tokens of a question that are read: never so many that no passage stands beside them."""
    return max(1, min(config.question_tokens, (length - SPECIAL) // 2))


def shortened(questions: Sequence[str], room: int, tokenizer: Any) -> list[str]:
    """The beginnings of questions, of at most `room` tokens."""
    read = tokenizer(list(questions), add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    offsets = read["offset_mapping"]
    return [
        question[: places[room - 1][1]] if len(places) > room else question
        for question, places in zip(questions, offsets, strict=True)
    ]


def read_pairs(pairs: Sequence[tuple[str, str]], length: int, tokenizer: Any) -> list[TokenRow]:
    """A row of at most `length` tokens for each question and passage; what is cut is the passage's end."""
    found = []
    for at in range(0, len(pairs), TOGETHER):
        questions, passages = (list(side) for side in zip(*pairs[at : at + TOGETHER], strict=True))
        read = tokenizer(questions, passages, truncation="only_second", max_length=length)
        whole = tokenizer(questions, passages, verbose=False)["input_ids"]
        for row, (ids, all_ids) in enumerate(zip(read["input_ids"], whole, strict=True)):
            sides = read.sequence_ids(row)
            first = sides.index(1) if 1 in sides else len(ids)
            labels = [IGNORED] * first + ids[first:]
            found.append(TokenRow(input_ids=ids, labels=labels, lost=len(all_ids) - len(ids)))
    return found


def _filled(examples: Sequence[Example], config: TrainConfig) -> list[tuple[str, ...]]:
    """The negatives of each row. Where fewer are given than a step takes, passages that answer other questions follow:
    easy to tell apart, but without any a row teaches nothing."""
    known = list(dict.fromkeys(text for row in examples for text in row.positives))
    right: dict[str, set[str]] = {}
    for row in examples:
        right.setdefault(row.question, set()).update(row.positives)
    found = []
    for row in examples:
        missing = max(0, config.negatives - len(row.negatives))
        others = _drawn(
            known, {*right[row.question], *row.negatives}, missing, f"{config.seed} {row.question}"
        )
        found.append((*row.negatives, *others))
    return found


def _drawn(texts: Sequence[str], never: set[str], count: int, seed: str) -> tuple[str, ...]:
    if not count:
        return ()
    generator = random.Random(seed)  # not for secrets: the same rows are drawn in every run
    tried = generator.sample(range(len(texts)), min(len(texts), count + len(never)))
    return tuple(texts[at] for at in tried if texts[at] not in never)[:count]


def sequences(
    train: Sequence[Encoded], held_out: Sequence[Encoded], config: TrainConfig, folder: Path
) -> tuple[list[Row], list[Row]]:
    """To learn from: a row for each positive, with the first of its negatives. Held out: a row for each question, with
    all its passages."""
    taught = [
        _row([positive], _side(one, NEGATIVE)[: config.negatives])
        for one in train
        for positive in _side(one, POSITIVE)
        if _side(one, NEGATIVE)
    ]
    return taught, [_row(_side(one, POSITIVE), _side(one, NEGATIVE)) for one in held_out]


def _side(one: Encoded, name: str) -> list[TokenRow]:
    return [row for row, said in zip(one.rows, one.sides, strict=True) if said == name]


def _row(right: Sequence[TokenRow], wrong: Sequence[TokenRow]) -> Row:
    """`firsts`: where in each pair its passage begins; `right`: how many of the pairs, from the first on, are right."""
    pairs = [*right, *wrong]
    names = ["input_ids", *(f"{POSITIVE}_{at}_input_ids" for at in range(1, len(right)))]
    names += [f"{NEGATIVE}_{at}_input_ids" for at in range(len(wrong))]
    texts: Row = {name: pair.input_ids for name, pair in zip(names, pairs, strict=True)}
    return {**texts, "firsts": [_first(pair) for pair in pairs], "right": [len(right)]}


def _first(pair: TokenRow) -> int:
    return next((at for at, label in enumerate(pair.labels) if label != IGNORED), len(pair.labels))


def pairs_of(row: Row) -> list[list[int]]:
    """The tokens of a row's pairs, its right ones first."""
    return [ids for name, ids in row.items() if name.endswith("input_ids")]
