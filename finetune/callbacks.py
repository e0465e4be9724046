"""Watches a run for the person: tells each step, writes its figures down, ends it in good order when asked to
stop or when its loss is no number."""

from __future__ import annotations

import math
import time
from typing import Any

import torch
from transformers import TrainerCallback

from finetune.metrics_log import MetricsLog
from finetune.stopping import Diverged, StopRequest
from finetune.together import any_of
from finetune.told import StepFigures, Told

# What the Trainer logs of a step; whatever else is there the objective has added.
FIGURES_OF_TRAINER = (
    "loss",
    "learning_rate",
    "grad_norm",
    "epoch",
    "num_input_tokens_seen",
    "train_",
    "eval_",
)


class Watch(TrainerCallback):  # type: ignore[misc,unused-ignore]
    """Tells how far a run is, and has it saved and ended once a stop is requested."""

    def __init__(self, stop: StopRequest, told: Told) -> None:
        self.stop = stop
        self.told = told
        self.in_optimizer = False  # memory that runs out there is not that of the batch

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.told.progress("train", state.global_step, state.max_steps)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.in_optimizer = True

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.in_optimizer = False

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.told.progress("train", state.global_step, state.max_steps)
        if any_of(self.stop.requested):  # a signal may have reached one process alone
            self.stop.requested = True
            control.should_save = True
            control.should_training_stop = True


class Finite(TrainerCallback):  # type: ignore[misc,unused-ignore]
    """Looks at the gradient before the weights take it: those of the last good step stay as they are."""

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        gradients = [
            _held_here(weight.grad) for weight in kwargs["model"].parameters() if weight.grad is not None
        ]
        # One number for each tensor, so that a card is waited for once.
        sums = [gradient.float().sum() for gradient in gradients]
        broken = bool(sums) and not bool(torch.stack(sums).isfinite().all())
        if not any_of(broken):
            return
        loss = float(self.trainer._tr_loss)
        found = f"its loss is {loss}" if not math.isfinite(loss) else "its gradient is not finite"
        where = f"Training broke down at step {state.global_step + 1}: {found}"
        raise Diverged(where, float(args.learning_rate))


def _held_here(gradient: Any) -> torch.Tensor:
    """Of a sharded model, this process's part."""
    found: torch.Tensor = gradient.to_local() if hasattr(gradient, "to_local") else gradient
    return found


# Scores of the held-out rows that a run's figures hold.
SHOWN = ("loss", "accuracy", "macro_f1", "em", "f1", "margin", "kl", "ndcg_at_10", "mrr_at_10")


class Record(TrainerCallback):  # type: ignore[misc,unused-ignore]
    """Writes each step's figures, and each scoring of the held-out rows, into the run's metrics file."""

    def __init__(self, log: MetricsLog, told: Told) -> None:
        self.log = log
        self.told = told
        self.tokens = 0
        self.began = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            self.log.cut(state.global_step)
        self.tokens = state.num_input_tokens_seen

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.began = time.monotonic()

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any
    ) -> None:
        found = logs or {}
        if not state.is_world_process_zero:  # several processes, one file
            return
        if "loss" in found:
            self._step(state, found)
        scores = {
            name.removeprefix("eval_"): value
            for name, value in found.items()
            if name.startswith("eval_") and name.removeprefix("eval_") in SHOWN
        }
        if scores:
            self.log.add({"step": state.global_step, **{f"held_out_{name}": v for name, v in scores.items()}})

    def _step(self, state: Any, found: dict[str, float]) -> None:
        seen = int(state.num_input_tokens_seen)
        figures = StepFigures(
            step=state.global_step,
            total=state.max_steps,
            loss=float(found["loss"]),
            learning_rate=float(found["learning_rate"]),
            grad_norm=None if found.get("grad_norm") is None else float(found["grad_norm"]),
            tokens=seen - self.tokens,
            seconds=time.monotonic() - self.began,
            more={
                name: float(value) for name, value in found.items() if not name.startswith(FIGURES_OF_TRAINER)
            },
        )
        self.tokens = seen
        self.log.add_step(figures)
        self.told.step(figures)
