"""Continued pretraining on raw documents: every token is learned, and perplexity on held-out ones is the score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune import template
from finetune.defaults import defaults
from finetune.methods import Method, entry
from finetune.objectives import Encoded, Job
from finetune.packing import Row, blocks
from finetune.schema import Example, TrainConfig
from finetune.splits import held_out_share
from finetune.starting import tokenizer_folder
from finetune.template import IGNORED, TokenRow
from finetune.weights import context_tokens


def usable(example: Example) -> bool:
    return bool(example.text) and example.label is None


def prepare(
    train: Sequence[Example],
    held_out: Sequence[Example],
    config: TrainConfig,
    folder: Path,
    method: Method,
    arguments: dict[str, Any],
) -> Job:
    tokenizer = load_tokenizer(tokenizer_folder(config, folder), train)
    encoded, held_encoded = (encode(part, config, folder, tokenizer) for part in (train, held_out))
    rows, held = sequences(encoded, held_encoded, config, folder)
    notes = [f"{len(train)} documents in {len(rows)} sequences of up to {longest(config, folder)} tokens"]
    if held and not held_out:
        notes.append(f"too few documents to hold one out: {len(held)} sequences of them are")
    from finetune.causal_job import causal_job

    told = {"rows": len(train), "notes": tuple(notes)}
    return causal_job(rows, held, config, folder, tokenizer, method, arguments, **told)


def load_tokenizer(folder: Path, examples: Sequence[Example]) -> Any:
    return template.load_tokenizer(folder)


def encode(examples: Sequence[Example], config: TrainConfig, folder: Path, tokenizer: Any) -> list[Encoded]:
    """Each document whole, as its tokenizer opens a text, with an end token; only blocks are cut."""
    found = []
    for example in examples:
        ids = list(tokenizer(example.text, verbose=False)["input_ids"])
        ids += [] if ids[-1:] == [tokenizer.eos_token_id] else [tokenizer.eos_token_id]
        row = TokenRow(input_ids=ids, labels=[IGNORED, *ids[1:]])
        found.append(Encoded(line=example.line, rows=(row,)))
    return found


def sequences(
    train: Sequence[Encoded], held_out: Sequence[Encoded], config: TrainConfig, folder: Path
) -> tuple[list[Row], list[Row]]:
    """Where no document is held out, some of the sequences are."""
    rows = _rows(train, config, folder)
    return (rows, _rows(held_out, config, folder)) if held_out else _kept_back(rows)


def _rows(encoded: Sequence[Encoded], config: TrainConfig, folder: Path) -> list[Row]:
    """Blocks that documents share; with virtual tokens before each sequence, every document in its own."""
    documents = [row.input_ids for example in encoded for row in example.rows]
    length = longest(config, folder)
    if not entry(config.method).virtual_tokens:
        return blocks(documents, length)
    return [
        {"input_ids": row["input_ids"], "labels": row["labels"]}
        for document in documents
        for row in blocks([document], length)
        if len(row["input_ids"]) > 1  # a single token has nothing before it to be guessed from
    ]


def _kept_back(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Every tenth sequence, or none where there are few: of two, neither measures the other."""
    every = round(1 / held_out_share("pretrain"))
    if len(rows) < int(defaults()["held_out"]["fewest_rows"]):
        return rows, []
    return [row for at, row in enumerate(rows, 1) if at % every], rows[every - 1 :: every]


def longest(config: TrainConfig, folder: Path) -> int:
    context = context_tokens(folder)
    virtual = config.virtual_tokens if entry(config.method).virtual_tokens else 0
    return min(config.max_length, context - virtual) if context is not None else config.max_length
