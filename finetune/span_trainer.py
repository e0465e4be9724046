"""transformers' Trainer for windows of passages: batches of like length, a head with a rate of its own, and held-out
questions scored by their answers' text."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import torch
from transformers import Trainer, TrainingArguments

from finetune.gains import RowScores
from finetune.head_rate import with_head_rate
from finetune.held_out import evaluating, tell_means
from finetune.like_lengths import LikeLengths
from finetune.span_scores import Said, best_threshold, judged, summary
from finetune.span_search import Looked, best_of, looked


class SpanTrainer(Trainer):
    loss_is_scaled_for_ga = True  # the loss is a mean over all rows of a step, however they are divided

    head_learning_rate: float
    answer_tokens: int  # of the longest answer
    choosing: Sequence[Any] = ()  # rows that choose, beside those that are scored
    found: RowScores = RowScores()  # of the latest evaluation
    said: tuple[Said, ...] = ()

    def create_optimizer(self, model: Any = None) -> Any:
        return with_head_rate(self, self.head_learning_rate)

    def _get_train_sampler(self, train_dataset: Any = None) -> LikeLengths:
        rows: Any = train_dataset or self.train_dataset
        lengths = [len(row["input_ids"]) for row in rows]
        return LikeLengths(lengths, self._train_batch_size, self.args.seed)

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> torch.Tensor:
        return torch.tensor(sum(len(batch["input_ids"]) for batch in batch_samples), device=device)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        output = model(**inputs, num_items_in_batch=num_items_in_batch)
        return (output.loss, output) if return_outputs else output.loss

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        started = time.monotonic()
        rows: Any = self.eval_dataset if eval_dataset is None else eval_dataset
        self.said, losses = self.score(rows)
        at_zero = [one.at(0.0) for one in self.said]
        self.found = RowScores(
            means={"em": [em for em, _ in at_zero], "f1": [f1 for _, f1 in at_zero], "loss": losses}
        )
        return tell_means(self, self.found, metric_key_prefix, started)

    def score(self, rows: Sequence[Any]) -> tuple[tuple[Said, ...], list[float]]:
        """Of each question what was found in its passage, and the mean loss of the passage's windows."""
        with evaluating(self.model):
            windows, losses = self._windows(rows)
        said, means = [], []
        for places in _questions(rows):
            example = rows[places[0]]["example"]
            best, null = best_of([windows[at] for at in places])
            text = example.context[best.start : best.end] if best else ""
            score = best.score - null if best else float("-1e9")
            said.append(judged(text, score, [example.context[start:end] for start, end in example.answers]))
            means.append(sum(losses[at] for at in places) / len(places))
        return tuple(said), means

    def _windows(self, rows: Sequence[Any]) -> tuple[list[Looked], list[float]]:
        found: list[Any] = [None] * len(rows)
        losses = [0.0] * len(rows)
        order = sorted(range(len(rows)), key=lambda at: -len(rows[at]["input_ids"]))
        size, most = self.args.per_device_eval_batch_size, self.answer_tokens
        model: Any = self.model
        for start in range(0, len(order), size):
            places = order[start : start + size]
            batch = self._prepare_inputs(self.data_collator([rows[at] for at in places]))
            wanted = torch.stack([batch.pop("start_positions"), batch.pop("end_positions")], 1)
            with self.accelerator.autocast():
                logits = model(**batch).logits.float()
            each = torch.nn.functional.cross_entropy(logits, wanted, reduction="none").mean(1).tolist()
            windows = [rows[at]["window"] for at in places]
            for at, one, loss in zip(places, looked(logits, windows, most, 1), each, strict=True):
                found[at], losses[at] = one, loss
        return found, losses

    def scores(self) -> dict[str, float]:
        """Of the held-out questions, at the threshold that the choosing ones, else they themselves, do best at."""
        if self.eval_dataset is None:
            return {}
        metrics = self.evaluate()
        chosen = self.score(self.choosing)[0] if self.choosing else self.said
        found = {"loss": metrics["eval_loss"], **summary(self.said, best_threshold(chosen))}
        return {**found, "held_out_rows": float(len(self.said))}


def _questions(rows: Sequence[Any]) -> Iterator[list[int]]:
    """The places of each question's windows, which stand one after another."""
    for _, places in groupby(range(len(rows)), key=lambda at: id(rows[at]["example"])):
        yield list(places)


def span_trainer(model: Any, rows: Any, held: Any, collator: Any, arguments: dict[str, Any]) -> SpanTrainer:
    return SpanTrainer(
        model=model,
        args=TrainingArguments(**arguments, remove_unused_columns=False),
        train_dataset=rows,
        eval_dataset=held or None,
        data_collator=collator,
    )
