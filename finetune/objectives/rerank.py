"""A reranker: an encoder reads question and passage together and learns which of a question's passages answer it
(a cross-encoder, arXiv 1901.04085)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.classify_rows import load_tokenizer
from finetune.methods import Method
from finetune.objectives import Job
from finetune.rerank_rows import encode, longest, sequences
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
    from finetune.objectives.classify import save_headed
    from finetune.rerank_job import rerank_model, rerank_trainer

    tokenizer = load_tokenizer(folder, train)
    encoded, held = (encode(part, config, folder, tokenizer) for part in (train, held_out))
    rows, held_rows = sequences(encoded, held, config, folder)
    if not rows:
        raise ValueError(
            "All rows have the same passage, and none to tell it from; add a column 'negatives' with passages that do "
            "not answer."
        )
    model, notes = rerank_model(config, folder, method)
    trainer = rerank_trainer(model, rows, held_rows, config, tokenizer, arguments)

    def save(target: Path) -> None:
        save_headed(trainer.model, method, target)
        tokenizer.save_pretrained(str(target))

    return Job(
        trainer=trainer,
        evaluate=trainer.scores,
        save=save,
        rows=len(train),
        notes=notes,
        score_rows=lambda: trainer.found,
    )
