"""Scores the held-out rows while a run goes on, keeps the best weights, and stops when they no longer gain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback
from transformers.trainer_utils import IntervalStrategy

from finetune import processes
from finetune.evaluate import accuracy, macro_f1
from finetune.objectives import Job
from finetune.schema import TrainConfig
from finetune.steps import all_steps, scoring_interval
from finetune.told import Told


class EarlyStop(TrainerCallback):  # type: ignore[misc,unused-ignore]
    """Looks at the run's history alone, so that a resumed run decides as an uninterrupted one."""

    def __init__(self, config: TrainConfig, told: Told) -> None:
        self.patience = config.patience
        self.score = f"eval_{config.stop_on}"
        self.told = told

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step >= state.max_steps:
            control.should_evaluate = True  # else the last weights could not be compared with the best

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: dict[str, float] | None = None, **kwargs: Any
    ) -> None:
        scores = [float(entry[self.score]) for entry in state.log_history if self.score in entry]
        since = since_best(scores, greater=bool(args.greater_is_better))
        if since == 0:
            control.should_save = True  # the best weights so far
        if self.patience and since >= self.patience and state.global_step < state.max_steps:
            control.should_training_stop = True
            self.told.say(
                f"stopped early at step {state.global_step} of {state.max_steps}: no gain in {since} scorings"
            )


def since_best(scores: Sequence[float], *, greater: bool) -> int:
    """Scorings after the best one; what is no number is never the best."""
    if not scores:
        return 0
    worst = -math.inf if greater else math.inf
    known = [score if math.isfinite(score) else worst for score in scores]
    best = max(known) if greater else min(known)
    return len(known) - 1 - known.index(best)


def watch_held_out(job: Job, config: TrainConfig, told: Told) -> list[TrainerCallback]:
    """Has the trainer score its held-out rows, where there are some and the run is long enough."""
    trainer = job.trainer
    rows = len(trainer.train_dataset)
    interval = scoring_interval(rows, config, processes.count())
    if trainer.eval_dataset is None or interval >= all_steps(rows, config, processes.count()):
        return []
    trainer.args.eval_strategy = IntervalStrategy.STEPS
    trainer.args.eval_steps = interval
    trainer.args.metric_for_best_model = config.stop_on
    trainer.args.greater_is_better = config.stop_on != "loss"
    if job.labels:
        trainer.compute_metrics = _label_scores
    return [EarlyStop(config, told)]


def _label_scores(prediction: Any) -> dict[str, float]:
    # Of the rows themselves: the Trainer's own is a mean of batches, which several processes fill up.
    logits, labels = torch.tensor(prediction.predictions), torch.tensor(prediction.label_ids)
    loss = float(torch.nn.functional.cross_entropy(logits.float(), labels))
    gold = [str(label) for label in prediction.label_ids]
    said = [str(label) for label in prediction.predictions.argmax(-1)]
    return {"accuracy": accuracy(gold, said), "macro_f1": macro_f1(gold, said), "loss": loss}


def restore_best(job: Job, told: Told, *, unseen: bool) -> dict[str, Any]:
    """Loads the weights of the best scoring where later ones were worse; says what was kept.

    `unseen`: the rows that are scored in the end had no part in that choice.
    """
    state = job.trainer.state
    best = state.best_global_step
    found = {"step": state.global_step, "of": state.max_steps, "kept_step": state.global_step}
    folder = Path(job.trainer.args.output_dir) / f"checkpoint-{best}"
    if not best or best == state.global_step or not folder.is_dir():
        return found
    job.trainer._load_from_checkpoint(str(folder))
    which = (
        "the 'dev' rows"
        if unseen
        else "the held-out rows (which chose them, so the scores after are a little favourable; 'dev' rows beside "
        "'test' rows would choose in their place)"
    )
    told.say(f"the weights of step {best} are kept: they scored best on {which}")
    return {**found, "kept_step": best}
