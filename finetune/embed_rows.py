"""Questions and passages in the tokens that a sentence embedder reads, and what each batch has to know of them: which
texts are the same, and which passages answer which question."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.objectives import Encoded
from finetune.packing import Row
from finetune.schema import Example, TrainConfig
from finetune.template import IGNORED, TokenRow
from finetune.weights import context_tokens

QUESTION, POSITIVE, NEGATIVE = "question", "positive", "negative"


def longest(config: TrainConfig, folder: Path) -> int:
    """Tokens of a passage that is read; the end of a longer one is cut. What a sentence encoder was made for goes
    before what its positions allow: it is what it reads at work."""
    return min(config.max_length, sentence_tokens(folder) or context_tokens(folder) or config.max_length)


def sentence_tokens(folder: Path) -> int | None:
    """What a folder of sentence-transformers says of its length."""
    file = folder / "sentence_bert_config.json"
    found = json.loads(file.read_text("utf-8")).get("max_seq_length") if file.is_file() else None
    return int(found) if found else None


def encode(examples: Sequence[Example], config: TrainConfig, folder: Path, tokenizer: Any) -> list[Encoded]:
    """Each example as its question, its positives, and as many negatives as a step takes of it."""
    length = longest(config, folder)
    said = min(config.question_tokens, length)
    questions = _read([row.question for row in examples], said, tokenizer)
    passages = _read([text for row in examples for text in _passages(row, config)], length, tokenizer)
    found, rest = [], iter(passages)
    for example, question in zip(examples, questions, strict=True):
        sides = [POSITIVE] * len(example.positives)
        sides += [NEGATIVE] * min(config.negatives, len(example.negatives))
        rows = (question, *(next(rest) for _ in sides))
        found.append(Encoded(line=example.line, rows=rows, asked=True, sides=(QUESTION, *sides)))
    return found


def _passages(row: Example, config: TrainConfig) -> tuple[str, ...]:
    return (*row.positives, *row.negatives[: config.negatives])


def _read(texts: Sequence[str], length: int, tokenizer: Any) -> list[TokenRow]:
    if not texts:
        return []
    read = tokenizer(list(texts), truncation=True, max_length=length)["input_ids"]
    whole = tokenizer(list(texts), verbose=False)["input_ids"]
    return [
        TokenRow(input_ids=ids, labels=[IGNORED] * len(ids), lost=len(all_ids) - len(ids))
        for ids, all_ids in zip(read, whole, strict=True)
    ]


def sequences(
    train: Sequence[Encoded], held_out: Sequence[Encoded], config: TrainConfig, folder: Path
) -> tuple[list[Row], list[Row]]:
    return search_rows(train), search_rows(held_out)


def search_rows(encoded: Sequence[Encoded]) -> list[Row]:
    """A row for each question with each of its positives.

    `key` numbers the positive and then the negatives: texts that the model reads alike have one number. `right` are the
    numbers of all passages that answer the question, wherever it stands among the rows.
    """
    numbers: dict[tuple[int, ...], int] = {}

    def number(ids: list[int]) -> int:
        return numbers.setdefault(tuple(ids), len(numbers))

    right: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for one in encoded:
        right[_asked(one)] += [number(ids) for ids in side(one, POSITIVE)]
    found: list[Row] = []
    for one in encoded:
        answers = sorted(set(right[_asked(one)]))
        wrong = [ids for ids in side(one, NEGATIVE) if number(ids) not in answers]
        for positive in side(one, POSITIVE):
            texts = {"positive_input_ids": positive}
            texts |= {f"negative_{at}_input_ids": ids for at, ids in enumerate(wrong, start=1)}
            keys = [number(ids) for ids in texts.values()]
            found.append({"input_ids": list(_asked(one)), **texts, "key": keys, "right": answers})
    return found


def _asked(one: Encoded) -> tuple[int, ...]:
    return tuple(one.rows[0].input_ids)


def side(one: Encoded, name: str) -> list[list[int]]:
    return [row.input_ids for row, said in zip(one.rows, one.sides, strict=True) if said == name]


def passages_of(row: Row) -> dict[int, list[int]]:
    """Number and tokens of a row's passages, its positive first."""
    texts = [ids for name, ids in row.items() if name.endswith("_input_ids")]
    return dict(zip(row["key"], texts, strict=True))
