"""Tries the longest rows before the first step, so that memory that will not do is known at once."""

from __future__ import annotations

from typing import Any

import torch
from transformers import TrainerCallback


class LongestFirst(TrainerCallback):  # type: ignore[misc,unused-ignore]
    """One forward and backward pass over the longest batch; gradients and random numbers stay as before."""

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        rows = longest_rows(self.trainer.train_dataset, args.per_device_train_batch_size)
        if rows is None:
            return
        cards = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
        try:
            with torch.random.fork_rng(devices=cards):
                self._pass(rows)
        finally:
            self.trainer.model_wrapped.zero_grad()

    def _pass(self, rows: list[int]) -> None:
        trainer = self.trainer
        dataset = trainer.train_dataset
        if hasattr(
            dataset, "column_names"
        ):  # of the datasets library: with columns that the model does not read
            dataset = trainer._remove_unused_columns(dataset, "training")
        batch = trainer.data_collator([dataset[row] for row in rows])
        items = trainer._get_num_items_in_batch([batch], trainer.args.device)
        trainer.current_gradient_accumulation_steps = 1
        trainer.training_step(trainer.model_wrapped, batch, items)


def longest_rows(dataset: Any, count: int) -> list[int] | None:
    """The numbers of the longest rows; None for rows that have no tokens to count."""
    if "input_ids" not in dataset[0]:
        return None
    lengths = [len(row["input_ids"]) for row in dataset]
    return sorted(range(len(lengths)), key=lambda row: -lengths[row])[:count]


def longest(dataset: Any) -> int | None:
    """Tokens of the longest row."""
    rows = longest_rows(dataset, 1)
    return len(dataset[rows[0]]["input_ids"]) if rows else None
