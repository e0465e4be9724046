"""Watches a run for the person: tells each step, and ends the run in good order when asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback

from finetune.stopping import StopRequest


class Watch(TrainerCallback):  # type: ignore[misc,unused-ignore]
    def __init__(self, stop: StopRequest, tell: Callable[[str, int, int], None]) -> None:
        self.stop = stop
        self.tell = tell

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.tell("train", state.global_step, state.max_steps)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.tell("train", state.global_step, state.max_steps)
        if self.stop.requested:
            control.should_save = True
            control.should_training_stop = True
