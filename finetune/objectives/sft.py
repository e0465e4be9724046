"""Supervised fine-tuning of a causal language model: loss on the answers of each conversation, their ends included."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune import template
from finetune.methods import Method, entry
from finetune.objectives import Encoded, Job
from finetune.packing import Row, packed
from finetune.schema import Example, TrainConfig
from finetune.starting import tokenizer_folder
from finetune.template import IGNORED, TokenRow, encode_rows, stops_in, told_to_think
from finetune.weights import context_tokens


def usable(example: Example) -> bool:
    return bool(example.messages) and not example.chosen and example.thumb is None


def prepare(
    train: Sequence[Example],
    held_out: Sequence[Example],
    config: TrainConfig,
    folder: Path,
    method: Method,
    arguments: dict[str, Any],
) -> Job:
    tokenizer = load_tokenizer(tokenizer_folder(config, folder), train)
    encoded = encode(train, config, folder, tokenizer)
    held = encode(held_out, config, folder, tokenizer)
    rows, held_rows = sequences(encoded, held, config, folder)
    length = longest(config, folder)
    if not rows:
        raise ValueError(f"Every row's question alone fills {length} tokens; give a larger --max-length.")
    # Imported once the rows are known to be sound: it loads torch.
    from finetune.causal_job import causal_job

    learned = sum(any(map(is_supervised, example.rows)) for example in encoded)
    notes = _notes(encoded, held)
    if config.packing:
        notes.append(f"{learned} training rows packed into {len(rows)} sequences of up to {length} tokens")
    told = {"rows": learned, "notes": tuple(notes)}
    return causal_job(rows, held_rows, config, folder, tokenizer, method, arguments, **told)


def load_tokenizer(folder: Path, examples: Sequence[Example]) -> Any:
    """The model's tokenizer, its template as the answers in `examples` need it."""
    answers = (turn["content"] for row in examples for turn in row.messages if turn["role"] == "assistant")
    return told_to_think(template.load_tokenizer(folder), answers)


def encode(examples: Sequence[Example], config: TrainConfig, folder: Path, tokenizer: Any) -> list[Encoded]:
    """Each row in tokens, as training makes them. Raises ValueError naming the line that a template refuses, unless
    "refused" is allowed: then it is left out."""
    length, stops = longest(config, folder), stops_in(folder, tokenizer)
    found = []
    for example in examples:
        try:
            rows = encode_rows(tokenizer, example.messages, length, stops, answers=config.answers)
        except ValueError as error:
            if "refused" in config.allow:
                continue
            raise ValueError(f"Row at line {example.line}: {error}") from None
        found.append(Encoded(line=example.line, rows=tuple(rows)))
    return found


def sequences(
    train: Sequence[Encoded], held_out: Sequence[Encoded], config: TrainConfig, folder: Path
) -> tuple[list[Row], list[Row]]:
    """The rows with an answer left to learn, packed if that was asked for."""
    return _rows(train, config, folder), _rows(held_out, config, folder)


def _rows(encoded: Sequence[Encoded], config: TrainConfig, folder: Path) -> list[Row]:
    if config.packing and entry(config.method).virtual_tokens:
        raise ValueError(f"Rows cannot be packed with method '{config.method}'; leave --packing out.")
    rows: list[Row] = [
        {"input_ids": row.input_ids, "labels": row.labels}
        for example in encoded
        for row in example.rows
        if is_supervised(row)
    ]
    return packed(rows, longest(config, folder)) if config.packing else rows


def is_supervised(row: TokenRow) -> bool:
    return any(label != IGNORED for label in row.labels)


def _notes(encoded: Sequence[Encoded], held: Sequence[Encoded]) -> list[str]:
    """What the data report does not say of the training rows, and what is lost of the held-out ones."""
    divided = sum(len(example.rows) > 1 for example in encoded)
    dropped = sum(not any(map(is_supervised, example.rows)) for example in held)
    cut = sum(row.cut for example in held for row in example.rows if is_supervised(row))
    words = {
        f"{divided} conversations divided, a row for each answer: the template rewrites earlier turns": divided,
        f"{cut} held-out rows cut (their answers lose the end)": cut,
        f"{dropped} held-out rows dropped: the question alone fills all tokens": dropped,
    }
    return [line for line, count in words.items() if count]


def longest(config: TrainConfig, folder: Path) -> int:
    """Tokens of the longest row: as asked for, or what the model can read beside its virtual tokens."""
    context = context_tokens(folder)
    if context is None:
        return config.max_length
    return min(
        config.max_length, context - (config.virtual_tokens if entry(config.method).virtual_tokens else 0)
    )
