"""Scores single held-out rows with the model as it now is, so that before and after can be compared row by row."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from finetune.answer_scores import SCORES
from finetune.defaults import defaults
from finetune.gains import RowScores
from finetune.methods import entry
from finetune.objectives import Job
from finetune.oom import in_batches
from finetune.processes import is_sharded
from finetune.schema import Example, TrainConfig
from finetune.sharded import forget_gathered
from finetune.template import IGNORED, encode, render, stop_tokens
from finetune.together import shared_out
from finetune.told import Told


def score_rows(job: Job, held_out: Sequence[Example], config: TrainConfig, told: Told) -> RowScores:
    """Labels and their losses of a classifier; of a model that writes, losses, and scores of its answers."""
    trainer = job.trainer
    if job.score_rows is not None:
        return job.score_rows()
    if trainer.eval_dataset is None:
        return RowScores()
    if job.labels:
        return _label_scores(trainer, [str(row.label) for row in held_out], job.labels)
    losses, tokens = _row_losses(trainer)
    return RowScores(means=_answer_scores(trainer, held_out, config, told), losses=losses, tokens=tokens)


@contextmanager
def as_start(model: Any, config: TrainConfig) -> Iterator[None]:
    """An untrained model as what its run starts from: the base without its adapter, since soft prompts change what it
    says before any step is made; or the adapter that it goes on from."""
    plain = None if config.adapter else getattr(model, "disable_adapter", None)
    with plain() if plain is not None else nullcontext():
        yield


def _label_scores(trainer: Any, gold: list[str], labels: Sequence[str]) -> RowScores:
    output = trainer.predict(trainer.eval_dataset)
    logits = torch.tensor(output.predictions).float()
    predicted = [labels[index] for index in logits.argmax(-1).tolist()]
    losses = torch.nn.functional.cross_entropy(logits, torch.tensor(output.label_ids), reduction="none")
    right = [float(wanted == said) for wanted, said in zip(gold, predicted, strict=True)]
    return RowScores(
        means={"accuracy": right},
        losses=losses.tolist(),
        tokens=[1] * len(gold),
        gold=gold,
        predicted=predicted,
    )


def _row_losses(trainer: Any) -> tuple[list[float], list[int]]:
    """Mean loss of each of the first held-out sequences, and over how many tokens."""
    most = int(defaults()["run"]["loss_rows"])
    places = range(min(len(trainer.eval_dataset), most))
    with evaluating(trainer.model):
        found = shared_out(
            places, lambda mine: [_row_loss(trainer, at) for at in mine], apart=not is_sharded()
        )
    return [loss for loss, _ in found], [tokens for _, tokens in found]


def _row_loss(trainer: Any, at: int) -> tuple[float, int]:
    batch = trainer._prepare_inputs(trainer.data_collator([trainer.eval_dataset[at]]))
    count = int((batch["labels"][:, 1:] != IGNORED).sum())
    with trainer.compute_loss_context_manager():
        loss = float(trainer.compute_loss(trainer.model, batch))
    return loss if count else 0.0, count


def tell_means(trainer: Any, scores: RowScores, prefix: str, started: float) -> dict[str, float]:
    """The means over rows, as transformers' Trainer tells its own: logged, and heard by its callbacks."""
    means = {name: sum(values) / len(values) for name, values in scores.means.items()}
    metrics = {f"{prefix}_{name}": value for name, value in means.items()}
    metrics[f"{prefix}_runtime"] = time.monotonic() - started
    trainer.log(metrics)
    trainer.control = trainer.callback_handler.on_evaluate(
        trainer.args, trainer.state, trainer.control, metrics
    )
    return metrics


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Without dropout and gradients, and afterwards as it was."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)
        forget_gathered(model)


def _answer_scores(
    trainer: Any, held_out: Sequence[Example], config: TrainConfig, told: Told
) -> dict[str, list[float]]:
    tokenizer = trainer.processing_class
    asked = [row for row in held_out if row.messages and row.messages[-1]["role"] == "assistant"]
    chosen = asked[: config.metric_rows]
    prompts = [encode(tokenizer, render(tokenizer, row.messages[:-1], answering=True)) for row in chosen]
    wanted = [row.messages[-1]["content"] for row in chosen]
    room = room_for_tokens(trainer, config)
    # A little longer than the longest wanted answer, so that one which does not stop is seen as such.
    longest = max((len(encode(tokenizer, text)) for text in wanted), default=0) + 8
    new = min(int(defaults()["run"]["metric_tokens"]), longest)
    if not chosen or max(len(ids) for ids in prompts) + new > room:
        return {}

    def write(batch: Sequence[list[int]]) -> list[str]:
        return _write(trainer, batch, new)

    with evaluating(trainer.model):
        given = shared_out(
            prompts,
            lambda mine: in_batches(mine, trainer.args.per_device_eval_batch_size, write, told.say),
            apart=not is_sharded(),
        )
    return {
        name: [score(one, other) for one, other in zip(wanted, given, strict=True)]
        for name, score in SCORES.items()
    }


def room_for_tokens(trainer: Any, config: TrainConfig) -> float:
    """Tokens that the model can read beside the virtual ones of its method."""
    context = getattr(trainer.model.config, "max_position_embeddings", None) or math.inf
    return float(context) - (config.virtual_tokens if entry(config.method).virtual_tokens else 0)


def _write(trainer: Any, prompts: Sequence[list[int]], new: int) -> list[str]:
    """Greedy answers of at most `new` tokens."""
    tokenizer, model = trainer.processing_class, trainer.model
    width = max(len(ids) for ids in prompts)
    pad = tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in prompts], device=trainer.args.device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in prompts], device=ids.device)
    with trainer.compute_loss_context_manager():
        written = model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=new,
            do_sample=False,
            eos_token_id=sorted(stop_tokens(tokenizer, model.generation_config)),
            pad_token_id=pad,
        )
    return [str(text) for text in tokenizer.batch_decode(written[:, width:], skip_special_tokens=True)]
