"""A sentence embedder: learns to put each question next to the passages that answer it, and away from all others of its
batch (contrastive training with in-batch and given hard negatives)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.classify_rows import load_tokenizer
from finetune.embed_rows import encode, longest, sequences
from finetune.methods import Method
from finetune.objectives import Job
from finetune.schema import Example, TrainConfig

# Also what an objective offers.
__all__ = ["encode", "load_tokenizer", "longest", "prepare", "sequences", "usable"]


def usable(example: Example) -> bool:
    return bool(example.question and example.positives)


def prepare(
    train: Sequence[Example],
    held_out: Sequence[Example],
    config: TrainConfig,
    folder: Path,
    method: Method,
    arguments: dict[str, Any],
) -> Job:
    from finetune.embed_job import embed_job

    tokenizer = load_tokenizer(folder, train)
    encoded, held = (encode(part, config, folder, tokenizer) for part in (train, held_out))
    rows, held_rows = sequences(encoded, held, config, folder)
    return embed_job(rows, held_rows, config, folder, tokenizer, method, arguments)
