"""transformers' Trainer for a sentence embedder: a batch is one comparison of all its questions with all its passages,
however little of it fits into memory at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from transformers import Trainer

from finetune.embed_batches import Apart, like_long
from finetune.embed_loss import contrastive_losses
from finetune.embed_model import vectors
from finetune.embed_search import score_search
from finetune.gains import RowScores
from finetune.held_out import evaluating, tell_means
from finetune.oom import free_memory, halved, is_out_of_memory
from finetune.packing import Row
from finetune.told import Say

REMEDY = "a smaller --max-length, or a smaller model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing:
    """How a batch is compared, and how much of it is read at a time."""

    temperature: float
    both_directions: bool
    pass_tokens: int  # texts that go through the model together, padding included
    held_tokens: int  # of a larger batch what a text leaves in memory is not kept: it is read twice
    scored_rows: int  # held-out rows that are searched for
    pad_token_id: int


def _silent(line: str) -> None:
    pass


class EmbedTrainer(Trainer):
    loss_is_scaled_for_ga = True  # the loss is a mean over all rows of a step, however they are divided

    how: Comparing
    say: Say = staticmethod(_silent)
    found: RowScores = RowScores()  # of the latest evaluation
    choosing: Sequence[Row] = ()  # rows of the file that say which weights are kept

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        rows: Any = self.train_dataset if train_dataset is None else train_dataset
        return Apart(rows, self._train_batch_size, self.args.seed)

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> torch.Tensor:
        return torch.tensor(sum(len(batch["targets"]) for batch in batch_samples), device=device)

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
        """Where memory runs out it takes fewer texts at a time, and not fewer rows: those of a batch are the wrong
        answers of one another."""
        model.train()
        inputs = self._prepare_inputs(inputs)
        while True:
            try:
                return self._learned(model, inputs, num_items_in_batch)
            except (RuntimeError, MemoryError) as error:
                # Of several batches in a step the gradients of those before would be lost.
                if not is_out_of_memory(error) or self.args.gradient_accumulation_steps > 1:
                    raise
            model.zero_grad()
            free_memory()
            tokens = halved(self.how.pass_tokens, "training", REMEDY) if not self.how.held_tokens else None
            self.how = replace(self.how, held_tokens=0, pass_tokens=tokens or self.how.pass_tokens)
            self.say(f"memory ran out: batches stay whole, read {self.how.pass_tokens} tokens at a time")

    def _learned(self, model: Any, inputs: Any, items: Any) -> torch.Tensor:
        """The loss of a batch, its gradient added to the weights.

        Of a large batch exact in little memory (gradient caching: Gao and others, arXiv 2101.06983): vectors without
        their history, the loss's gradient at each vector, and from there, some texts at a time, into the weights.
        """
        groups = like_long(inputs["attention_mask"].sum(1).tolist(), self.how.pass_tokens)
        if len(groups) == 1 or int(inputs["attention_mask"].sum()) <= self.how.held_tokens:
            loss = self._mean(self._vectors(model, inputs, groups), inputs, items)
            self.accelerator.backward(loss)
            return loss.detach()
        states, parts = [], []
        for group in groups:
            states.append(_random_state(self.args.device))
            with torch.no_grad():
                parts.append(self._of_group(model, inputs, group))
        found = _in_order(parts, groups).requires_grad_()
        loss = self._mean(found, inputs, items)
        (pull,) = torch.autograd.grad(loss, found)
        for group, state in zip(groups, states, strict=True):
            with _drawn_from(state, self.args.device):  # dropout as in the first pass
                again = self._of_group(model, inputs, group)
            self.accelerator.backward((again * pull[group]).sum())
        return loss.detach()

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        groups = like_long(inputs["attention_mask"].sum(1).tolist(), self.how.pass_tokens)
        return self._mean(self._vectors(model, inputs, groups), inputs, num_items_in_batch)

    def _vectors(self, model: Any, inputs: Any, groups: Sequence[list[int]]) -> torch.Tensor:
        """Of all texts, in the order of the batch."""
        return _in_order([self._of_group(model, inputs, group) for group in groups], groups)

    def _of_group(self, model: Any, inputs: Any, group: list[int]) -> torch.Tensor:
        """Of these texts, in the order of the group."""
        mask = inputs["attention_mask"][group]
        width = int(mask.sum(1).max())
        with self.compute_loss_context_manager():
            return vectors(model, inputs["input_ids"][group, :width], mask[:, :width])

    def _mean(self, found: torch.Tensor, inputs: Any, items: Any) -> torch.Tensor:
        targets = inputs["targets"]
        losses = contrastive_losses(
            found[: len(targets)],
            found[len(targets) :],
            targets,
            inputs["masked"],
            temperature=self.how.temperature,
            both_directions=self.how.both_directions,
        )
        return losses.sum() / (len(targets) if items is None else items)

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Means over the questions of the held-out rows, each looked for among all passages of those rows."""
        started = time.monotonic()
        rows: Any = self.eval_dataset if eval_dataset is None else eval_dataset
        self.found = self._searched(rows)
        return tell_means(self, self.found, metric_key_prefix, started)

    def _searched(self, rows: Sequence[Row]) -> RowScores:
        with evaluating(self.model), self.compute_loss_context_manager():
            return score_search(self.model, rows, self.how, self.args.device)


def _in_order(parts: Sequence[torch.Tensor], groups: Sequence[list[int]]) -> torch.Tensor:
    places = torch.tensor([at for group in groups for at in group])
    return torch.cat(list(parts))[places.argsort().to(parts[0].device)]


def _random_state(device: torch.device) -> list[torch.Tensor]:
    cuda = [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []
    return [torch.get_rng_state(), *cuda]


@contextmanager
def _drawn_from(state: Sequence[torch.Tensor], device: torch.device) -> Iterator[None]:
    """While open, random numbers come as from `state`; afterwards as if nothing had been drawn."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.set_rng_state(state[0])
        if device.type == "cuda":
            torch.cuda.set_rng_state(state[1], device)
        yield
