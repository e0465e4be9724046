"""What a run tells while it goes on: how far it is, each step's figures, and lines a person should read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]  # stage ("load", "evaluate", "train", "save"), done, total
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFigures:
    """One optimizer step: `tokens` without padding and `seconds` are those of this step alone."""

    step: int
    total: int
    loss: float
    learning_rate: float
    grad_norm: float | None
    tokens: int
    seconds: float
    more: dict[str, float] = field(default_factory=dict)  # of the objective: reward, KL, ...


class Told:
    """Passes on what happens to whoever listens; lines are kept, since a result repeats them."""

    def __init__(
        self,
        progress: Progress | None = None,
        say: Say | None = None,
        on_step: Callable[[StepFigures], None] | None = None,
    ) -> None:
        self.progress: Progress = progress or (lambda stage, done, total: None)
        self.step = on_step or (lambda figures: None)
        self.lines: list[str] = []
        self._say = say

    def say(self, line: str, *, keep: bool = True) -> None:
        """Said aloud once, however often it is found; kept for the result unless that says it elsewhere."""
        if line in self.lines:
            return
        if keep:
            self.lines.append(line)
        logger.info("%s", line)
        if self._say is not None:
            self._say(line)
