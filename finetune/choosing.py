"""The rows that choose which weights are kept: the file's own 'dev' rows, so that those which are scored stay
unseen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from finetune.gathering import Rows
from finetune.objectives import Job, load_objective
from finetune.starting import tokenizer_folder
from finetune.told import Told


@contextmanager
def chosen_by(rows: list[Any], trainer: Any) -> Iterator[None]:
    """While open, the trainer scores these rows in the place of the held-out ones, where there are any."""
    held_out = trainer.eval_dataset
    trainer.eval_dataset = rows or held_out
    if hasattr(trainer, "choosing"):
        trainer.choosing = rows  # which choose a threshold as well
    try:
        yield
    finally:
        trainer.eval_dataset = held_out


def choosing_rows(job: Job, run: Rows, told: Told) -> list[Any]:
    """The 'dev' rows as the trainer takes them; empty where a file has no rows of both 'dev' and 'test'."""
    if not run.choosing or (job.score_rows is not None and not hasattr(job.trainer, "choosing")):
        return []
    objective = load_objective(run.config.objective)
    tokenizer = objective.load_tokenizer(tokenizer_folder(run.config, run.base), run.train)
    encoded = objective.encode(run.choosing, run.config, run.base, tokenizer)
    if not job.labels:
        rows = objective.sequences(encoded, encoded, run.config, run.base)[1]
        return rows if job.with_reference is None else job.with_reference(rows, run.config, told)
    return [
        {
            "input_ids": row.input_ids,
            "attention_mask": [1] * len(row.input_ids),
            "labels": job.labels.index(one.target),
        }
        for one in encoded
        if one.target in job.labels  # a label that no row teaches cannot choose anything
        for row in one.rows
    ]
