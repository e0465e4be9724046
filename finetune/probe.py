"""Tries the longest rows before the first step, so that memory that will not do is known at once."""

from __future__ import annotations

from typing import Any

import torch
from transformers import TrainerCallback

from finetune import processes
from finetune.oom import is_out_of_memory
from finetune.together import any_of


class LongestFirst(TrainerCallback):  # type: ignore[misc,unused-ignore]
    """One forward and backward pass over the longest batch; gradients and random numbers stay as before.

    Each process makes it by itself, and all hear whether memory ran out in one of them.
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer
        self.agreed = False  # memory ran out here, and every process knows

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        rows = longest_rows(self.trainer.train_dataset, args.per_device_train_batch_size)
        if rows is None:
            return
        cards = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
        self.agreed = False
        failed: BaseException | None = None
        try:
            with torch.random.fork_rng(devices=cards):
                self._pass(rows)
        except (RuntimeError, MemoryError) as error:
            # The parts of a sharded model wait for one another: there the others cannot be told.
            if processes.is_sharded() or not is_out_of_memory(error):
                raise
            failed = error
        finally:
            self.trainer.model_wrapped.zero_grad()
        self.agreed = any_of(failed is not None)
        if self.agreed:
            raise failed or MemoryError("another process of the run has too little memory")

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
        # DDP would wait in this pass for gradients of a process that may be out of memory.
        model = trainer.model if processes.count() > 1 else trainer.model_wrapped
        trainer.training_step(model, batch, items)


def longest_rows(dataset: Any, count: int) -> list[int] | None:
    """The numbers of the longest rows; None for rows that have no tokens to count."""
    if "input_ids" not in dataset[0]:
        return None
    lengths = [longest_side(row) for row in dataset]
    return sorted(range(len(lengths)), key=lambda row: -lengths[row])[:count]


def longest(dataset: Any) -> int | None:
    """Tokens of the longest row."""
    rows = longest_rows(dataset, 1)
    return longest_side(dataset[rows[0]]) if rows else None


def longest_side(row: Any) -> int:
    """Tokens of a row; of judged answers there are two sides, which one batch pads alike."""
    return max(len(ids) for name, ids in row.items() if name.endswith("input_ids"))
