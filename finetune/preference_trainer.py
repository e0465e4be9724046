"""transformers' Trainer for rows of two sides: judged answers against a reference that is asked once, before the
first step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from transformers import Trainer

from finetune import processes
from finetune.gains import RowScores
from finetune.head_rate import with_head_rate
from finetune.held_out import as_start, evaluating, tell_means
from finetune.oom import in_batches
from finetune.packing import Row
from finetune.preference_rule import Facts, Rule
from finetune.schema import TrainConfig
from finetune.template import IGNORED
from finetune.together import shared_out
from finetune.told import Told


class PreferenceTrainer(Trainer):
    loss_is_scaled_for_ga = True  # the loss is a mean over all rows of a step, however they are divided

    rule: Rule
    head_learning_rate: float | None = None  # of a reward model's head
    found: RowScores = RowScores()  # of the latest evaluation

    def create_optimizer(self, model: Any = None) -> Any:
        if self.head_learning_rate is None:
            return super().create_optimizer(model)
        return with_head_rate(self, self.head_learning_rate)

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> torch.Tensor:
        """Rows of the step that carry something, in all processes."""
        count = torch.stack([_counting(batch).sum() for batch in batch_samples]).sum().to(device)
        return self.accelerator.gather(count).sum() if processes.count() > 1 else count

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        counts = _counting(inputs)
        ratios = self._sides(model, inputs)
        # DDP's own passes are made by all processes at once; the trial of the longest rows is not.
        together = processes.count() > 1 and model is self.model_wrapped

        def mean(values: torch.Tensor) -> torch.Tensor:
            summed = torch.stack([(values.detach() * counts).sum(), counts.sum()])
            summed = self.accelerator.reduce(summed, reduction="sum") if together else summed
            return summed[0] / summed[1].clamp(min=1)

        losses = self.rule.losses(ratios, facts_of(inputs), mean) * counts
        items = counts.sum() if num_items_in_batch is None else num_items_in_batch
        # The gradients of several processes are averaged.
        return losses.sum() / items.clamp(min=1) * processes.count()

    def _sides(self, model: Any, batch: Any) -> torch.Tensor:
        """Rows x 2, as distances from the reference where there is one."""
        found = torch.stack(self._both(model, batch), 1)
        return found - batch["reference"] if "reference" in batch else found

    def _both(self, model: Any, batch: Any) -> tuple[torch.Tensor, ...]:
        if self.rule.second_learned:
            return self.rule.sides(model, batch).chunk(2)
        first, second = (
            {name: batch[name].chunk(2)[half] for name in ("input_ids", "attention_mask", "labels")}
            for half in (0, 1)
        )
        with torch.no_grad():  # first: DDP awaits gradients of the latest pass
            other = self.rule.sides(model, second)
        return self.rule.sides(model, first), other

    def with_reference(self, rows: Sequence[Row], config: TrainConfig, told: Told) -> list[Row]:
        """The rows with what the model says of both sides before it has learned anything: no second model is held."""
        if not self.rule.referenced:
            return list(rows)
        done = 0

        def ask(batch: Sequence[Row]) -> list[list[float]]:
            nonlocal done
            found = self._asked(batch)
            done += len(batch)
            told.progress("reference", done, len(rows))
            return found

        size = self.args.per_device_train_batch_size
        with as_start(self.model, config), evaluating(self.model):
            found = shared_out(
                rows, lambda mine: in_batches(mine, size, ask, told.say, stage="the reference's answers")
            )
        both: list[Any] = list(zip(rows, found, strict=True))
        return [{**row, "reference": sides} for row, sides in both]

    def _asked(self, batch: Sequence[Row]) -> list[list[float]]:
        inputs = self._prepare_inputs(self.data_collator(list(batch)))
        with torch.no_grad(), self.accelerator.autocast():
            found: list[list[float]] = self._sides(self.model, inputs).tolist()
        return found

    @property
    def scores_apart(self) -> bool:
        """Whether each process scores its rows without the others."""
        return not self.is_fsdp_enabled

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Means over rows, whatever the batches and processes."""
        started = time.monotonic()
        rows: Any = self.eval_dataset if eval_dataset is None else eval_dataset
        self.found = self._scored(rows)
        return tell_means(self, self.found, metric_key_prefix, started)

    def _scored(self, rows: Sequence[Row]) -> RowScores:
        size = self.args.per_device_eval_batch_size
        with evaluating(self.model):
            sides = shared_out(
                rows,
                lambda mine: [
                    found for at in range(0, len(mine), size) for found in self._asked(mine[at : at + size])
                ],
                apart=self.scores_apart,
            )
        ratios = torch.tensor(sides, dtype=torch.float64)
        facts = facts_of(self.data_collator(list(rows)))
        found = {"loss": self.rule.losses(ratios, facts, torch.mean), **self.rule.figures(ratios, facts)}
        return RowScores(means={name: values.tolist() for name, values in found.items()})


def facts_of(batch: Any) -> Facts:
    """What a rule reads of the rows beside their ratios."""
    tokens = torch.stack((batch["labels"][:, 1:] != IGNORED).sum(1).chunk(2), 1)
    return {"tokens": tokens, **({"liked": batch["liked"][:, 0]} if "liked" in batch else {})}


def _counting(batch: Any) -> torch.Tensor:
    """1 for each row, 0 for filling, which carries nothing to learn."""
    first: torch.Tensor = batch["labels"].chunk(2)[0]
    return (first != IGNORED).any(1).float()
