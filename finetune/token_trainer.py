"""transformers' Trainer for causal language models: packed rows, and a held-out loss that is a mean over tokens."""

from __future__ import annotations

import time
from typing import Any

import torch
from transformers import Trainer

from finetune.template import IGNORED


class TokenTrainer(Trainer):
    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **options: Any) -> Any:
        if "position_ids" in inputs:
            # With a cache transformers does not look for packed rows, and attention would cross between them.
            inputs = {**inputs, "use_cache": False}
        return super().compute_loss(model, inputs, *args, **options)

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """The loss for each supervised token. Trainer's own is a mean of batches, in which a short answer weighs as
        much as a long one, and it would change with the batch size and with packing."""
        started = time.monotonic()
        model = self.model_wrapped
        was_training = model.training
        model.eval()
        total = torch.zeros(2, device=self.args.device, dtype=torch.float64)  # loss, tokens
        for batch in self.get_eval_dataloader(eval_dataset):
            total += self._summed(model, self._prepare_inputs(batch))
        model.train(was_training)
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
        return torch.stack([loss.double() * tokens, tokens.double()])
