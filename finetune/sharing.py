"""How the rows of an epoch and those of a scoring are divided among the processes of a run, so that each counts once.

Every process has to make as many passes as the others. Where rows do not divide evenly, filling stands in: a row of
which nothing is learned and nothing counted, in the place of the repeated rows that accelerate would take.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Dataset, Sampler

from finetune import processes
from finetune.template import IGNORED

_FILLING_TOKENS = 2  # the fewest of which a causal language model has a prediction to make


def own_share(rows: Sequence[Any]) -> list[Any]:
    """This process's part of rows that are scored, as many as in each other process."""
    whole = Filled(rows, -len(rows) % processes.count())
    return [whole[at] for at in range(processes.place(), len(whole), processes.count())]


def learn_each_row_once(trainer: Any) -> None:
    """From now on an epoch of the trainer has filling at its end; a single process has no need of it, and rows that
    are no labelled tokens are left to accelerate."""
    if processes.count() == 1 or "labels" not in trainer.train_dataset[0]:
        return

    def get_train_dataloader() -> Any:
        rows, size = trainer.train_dataset, trainer._train_batch_size
        filled = Filled(rows, -len(rows) % (size * processes.count()))
        return trainer._get_dataloader(
            dataset=filled,
            description="Training",
            batch_size=size,
            sampler_fn=lambda _: _Order(len(rows), len(filled), torch.random.initial_seed()),
            is_training=True,
        )

    count_tokens = trainer._track_num_input_tokens

    def count_without_filling(batch: dict[str, torch.Tensor]) -> None:
        labels = batch["labels"]
        learned = labels.reshape(len(labels), -1).ne(IGNORED).any(-1)
        # What is told of pairs has half as many rows as their tokens.
        count_tokens({name: values[learned] for name, values in batch.items() if len(values) == len(learned)})

    trainer.get_train_dataloader = get_train_dataloader
    trainer._track_num_input_tokens = count_without_filling


class Filled(Dataset[Any]):
    """Rows with filling after them."""

    def __init__(self, rows: Any, count: int) -> None:
        self.rows = rows
        self.count = count

    def __len__(self) -> int:
        return len(self.rows) + self.count

    def __getitem__(self, at: int) -> Any:
        return self.rows[at] if at < len(self.rows) else _nothing_in(self.rows[0])


def _nothing_in(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the same kind of which nothing is learned."""
    short = {
        name: list(value)[:_FILLING_TOKENS] if isinstance(value, list) else value
        for name, value in row.items()
    }
    labels = short["labels"]
    return {**short, "labels": [IGNORED] * len(labels) if isinstance(labels, list) else IGNORED}


class _Order(Sampler[int]):
    """The rows in the order in which accelerate's SeedableRandomSampler gives them to a single process, and then the
    filling. Not a RandomSampler: that accelerate would replace."""

    def __init__(self, rows: int, whole: int, seed: int) -> None:
        self.rows = rows
        self.whole = whole
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.whole

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        yield from torch.randperm(self.rows, generator=generator).tolist()
        yield from range(self.rows, self.whole)
        self.set_epoch(self.epoch + 1)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
