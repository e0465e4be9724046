"""transformers' Trainer for a cross-encoder: the passages of a question compete, and held-out questions are
scored by where their passages come to stand."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from transformers import Trainer

from finetune.embed_batches import like_long
from finetune.embed_scores import search_scores
from finetune.gains import RowScores
from finetune.head_rate import with_head_rate
from finetune.held_out import evaluating, tell_means
from finetune.like_lengths import LikeLengths
from finetune.packing import Row
from finetune.rerank_batches import ranking_losses
from finetune.rerank_rows import pairs_of

READ = ("input_ids", "attention_mask", "token_type_ids")


class RerankTrainer(Trainer):
    loss_is_scaled_for_ga = True  # the loss is a mean over all rows of a step, however they are divided

    head_learning_rate: float
    pass_tokens: int  # pairs that go through the model together, padding included
    choosing: Sequence[Row] = ()  # rows that choose the weights, beside those that are scored
    found: RowScores = RowScores()  # of the latest evaluation

    def create_optimizer(self, model: Any = None) -> Any:
        return with_head_rate(self, self.head_learning_rate)

    def _get_train_sampler(self, train_dataset: Any = None) -> LikeLengths:
        rows: Any = self.train_dataset if train_dataset is None else train_dataset
        lengths = [max(map(len, pairs_of(row))) for row in rows]
        return LikeLengths(lengths, self._train_batch_size, self.args.seed)

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> torch.Tensor:
        return torch.tensor(sum(int(batch["owners"].max()) + 1 for batch in batch_samples), device=device)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        losses = ranking_losses(self._scores(model, inputs), *_places(inputs))
        return losses.sum() / (len(losses) if num_items_in_batch is None else num_items_in_batch)

    def _scores(self, model: Any, inputs: Any) -> torch.Tensor:
        """One number for each pair of a batch; those of like length go through the model together."""
        lengths = inputs["attention_mask"].sum(1).tolist()
        groups = like_long(lengths, self.pass_tokens)
        parts = []
        for group in groups:
            width = max(lengths[at] for at in group)
            batch = {name: inputs[name][group, :width] for name in READ if name in inputs}
            with self.compute_loss_context_manager():
                parts.append(model(**batch).logits[:, 0].float())
        places = torch.tensor([at for group in groups for at in group], device=parts[0].device)
        return torch.cat(parts)[places.argsort()]

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Means over the held-out questions."""
        started = time.monotonic()
        rows: Any = self.eval_dataset if eval_dataset is None else eval_dataset
        self.found = self._ranked(rows)
        return tell_means(self, self.found, metric_key_prefix, started)

    def _ranked(self, rows: Sequence[Row]) -> RowScores:
        found: dict[str, list[float]] = {}
        size = self.args.per_device_eval_batch_size
        with evaluating(self.model):
            for at in range(0, len(rows), size):
                batch = self._prepare_inputs(self.data_collator(list(rows[at : at + size])))
                scores, places = self._scores(self.model, batch), _places(batch)
                losses = ranking_losses(scores, *places).tolist()
                for row, loss in enumerate(losses):
                    mine = places[0] == row
                    one = {**_ranking(scores[mine].tolist(), places[2][mine].tolist()), "loss": loss}
                    for name, value in one.items():
                        found.setdefault(name, []).append(value)
        return RowScores(means=found)

    def scores(self) -> dict[str, float]:
        held_out: Any = self.eval_dataset
        if held_out is None:
            return {}
        metrics = self.evaluate()
        found = {name: metrics[f"eval_{name}"] for name in self.found.means}
        return {**found, "held_out_rows": float(len(held_out))}


def _places(batch: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return batch["owners"], batch["columns"], batch["right"]


def _ranking(scores: Sequence[float], right: Sequence[bool]) -> dict[str, float]:
    """Of one question; of passages with the same score the wrong ones stand first, so that a tie gains nothing."""
    order = sorted(range(len(scores)), key=lambda at: (-scores[at], right[at]))
    return search_scores(order, {at for at, answers in enumerate(right) if answers})
