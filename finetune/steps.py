"""How many steps a run has, pure: of an epoch, of the whole, and between two scorings of the held-out rows."""

from __future__ import annotations

import math

from finetune.defaults import defaults
from finetune.objectives import SAMPLING
from finetune.ppo.settings import policy_settings
from finetune.schema import TrainConfig


def epoch_steps(rows: int, config: TrainConfig, processes: int = 1) -> int:
    """Optimizer steps of one pass over the rows, of which each process takes a batch; the last may be of fewer.

    Of objectives that sample, rounds of sampling and learning."""
    if config.objective in SAMPLING:
        return max(1, rows // policy_settings(config).prompts)  # what is left over comes in another pass
    return max(1, math.ceil(math.ceil(rows / (config.batch_size * processes)) / config.accumulation))


def all_steps(rows: int, config: TrainConfig, processes: int = 1) -> int:
    return config.max_steps or math.ceil(epoch_steps(rows, config, processes) * config.epochs)


def scoring_interval(rows: int, config: TrainConfig, processes: int = 1) -> int:
    """Steps between two scorings of the held-out rows: as asked for, or some in each epoch, but not too close."""
    run = defaults()["run"]
    often = epoch_steps(rows, config, processes) // int(run["evaluations_per_epoch"])
    return config.eval_steps or max(int(run["fewest_eval_steps"]), often)
