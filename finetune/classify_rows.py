"""Texts with labels in the tokens that a classifier reads; what is cut off, and what its vocabulary lacks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.defaults import defaults
from finetune.objectives import Encoded
from finetune.packing import Row
from finetune.schema import Example, TrainConfig
from finetune.template import IGNORED, TokenRow
from finetune.weights import context_tokens


def load_tokenizer(folder: Path, examples: Sequence[Example]) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"'{folder}' holds no usable tokenizer ({str(error).strip().splitlines()[0]})."
        ) from None


def longest(config: TrainConfig, folder: Path) -> int:
    """Tokens of a text that the classifier reads; the end of a longer one is cut."""
    context = context_tokens(folder) or config.max_length
    return min(config.max_length, context, int(defaults()["limits"]["classify_max_length"]))


def encode(examples: Sequence[Example], config: TrainConfig, folder: Path, tokenizer: Any) -> list[Encoded]:
    if not examples:
        return []
    texts, length = [row.text for row in examples], longest(config, folder)
    read = tokenizer(texts, truncation=True, max_length=length)["input_ids"]
    whole = tokenizer(texts, verbose=False)["input_ids"]
    found = []
    for example, ids, all_ids in zip(examples, read, whole, strict=True):
        row = TokenRow(input_ids=ids, labels=[IGNORED] * len(ids), lost=len(all_ids) - len(ids))
        found.append(Encoded(line=example.line, rows=(row,), target=str(example.label)))
    return found


def sequences(
    train: Sequence[Encoded], held_out: Sequence[Encoded], config: TrainConfig, folder: Path
) -> tuple[list[Row], list[Row]]:
    return _rows(train), _rows(held_out)


def _rows(encoded: Sequence[Encoded]) -> list[Row]:
    return [{"input_ids": row.input_ids, "labels": row.labels} for one in encoded for row in one.rows]


def unread_lines(encoded: Sequence[Encoded], tokenizer: Any) -> list[int]:
    """Lines of the rows most of whose words are not in the vocabulary."""
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    lines = []
    for one in encoded:
        words = [token for row in one.rows for token in row.input_ids if token not in special]
        if 2 * words.count(tokenizer.unk_token_id) > len(words):
            lines.append(one.line)
    return lines
