"""transformers' Trainer for causal language models: packed rows, and a held-out loss that is a mean over tokens."""

from __future__ import annotations

import time
from typing import Any

import torch
from transformers import Trainer

from finetune.learned_logits import at_learned
from finetune.processes import is_sharded
from finetune.sharded import forget_gathered
from finetune.sharing import own_share
from finetune.template import IGNORED


class TokenTrainer(Trainer):
    learned_logits = False  # whether the model computes logits where an answer is learned, and nowhere else

    @property
    def scores_apart(self) -> bool:
        """Whether each process scores its rows without the others."""
        return not is_sharded()

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **options: Any) -> Any:
        if "position_ids" in inputs:
            # With a cache transformers does not look for packed rows, and attention would cross between them.
            inputs = {**inputs, "use_cache": False}
        if self.learned_logits and self.args.n_gpu <= 1:  # DataParallel could not divide the targets
            inputs = at_learned(inputs)
        return super().compute_loss(model, inputs, *args, **options)

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """The loss for each supervised token. Trainer's own is a mean of batches, in which a short answer weighs as
        much as a long one, and it would change with the batch size and with packing."""
        started = time.monotonic()
        # Not what DDP has put around it, whose passes wait for those of the other processes.
        model: Any = self.model
        was_training = model.training
        model.eval()
        total = torch.zeros(2, device=self.args.device, dtype=torch.float64)  # loss, tokens
        held_out: Any = self.eval_dataset if eval_dataset is None else eval_dataset
        rows = sorted(
            own_share(held_out), key=lambda row: -len(row["input_ids"])
        )  # rows of like length need little padding
        size = self.args.per_device_eval_batch_size
        for at in range(0, len(rows), size):
            batch: Any = self.data_collator(rows[at : at + size])
            total += self._summed(model, self._prepare_inputs(batch))
        model.train(was_training)
        forget_gathered(model)
        loss, tokens = self.accelerator.reduce(total, reduction="sum").tolist()
        metrics = {
            f"{metric_key_prefix}_loss": loss / max(tokens, 1),
            f"{metric_key_prefix}_runtime": time.monotonic() - started,
        }
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _summed(self, model: Any, batch: dict[str, Any]) -> torch.Tensor:
        tokens = (batch["labels"][:, 1:] != IGNORED).sum()
        with torch.no_grad(), self.accelerator.autocast():
            loss = self.compute_loss(model, batch)
        # A batch of nothing but filling has no mean.
        summed = loss.double() * tokens if tokens else tokens.double()
        return torch.stack([summed, tokens.double()])
