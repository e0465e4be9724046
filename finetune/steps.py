"""How many steps a run has, pure: of an epoch, of the whole, and between two scorings of the held-out rows."""

from __future__ import annotations

import math

from finetune.defaults import defaults
from finetune.schema import TrainConfig


def epoch_steps(rows: int, config: TrainConfig) -> int:
    """Optimizer steps of one pass over the rows; the last may be of fewer rows."""
    return max(1, math.ceil(math.ceil(rows / config.batch_size) / config.accumulation))


def all_steps(rows: int, config: TrainConfig) -> int:
    return config.max_steps or math.ceil(epoch_steps(rows, config) * config.epochs)


def scoring_interval(rows: int, config: TrainConfig) -> int:
    """Steps between two scorings of the held-out rows: as asked for, or some in each epoch, but not too close."""
    run = defaults()["run"]
    often = epoch_steps(rows, config) // int(run["evaluations_per_epoch"])
    return config.eval_steps or max(int(run["fewest_eval_steps"]), often)
