"""The numbers of one run of PPO or GRPO: what was asked for, and else the objective's own from defaults.toml."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from finetune import processes
from finetune.defaults import defaults
from finetune.schema import TrainConfig

SCALINGS = {"ppo": ("none", "standard", "whiten"), "grpo": ("none", "standard")}
AT_LEAST_ONE = ("answers_per_step", "samples", "answer_tokens", "inner_epochs", "minibatches")
POSITIVE = ("clip", "kl_horizon", "value_clip")
NOT_NEGATIVE = ("kl_coefficient", "kl_target", "max_kl", "value_weight", "eos_penalty")
SHARES = ("gamma", "gae_lambda")
OF_PPO = ("kl_target", "kl_horizon", "gamma", "gae_lambda", "value_clip", "value_weight")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """As in TrainConfig, each with its value."""

    answers_per_step: int
    samples: int
    answer_tokens: int
    inner_epochs: int
    minibatches: int
    clip: float
    kl_coefficient: float
    max_kl: float
    eos_penalty: float
    reward_scaling: str
    kl_target: float = 0.0
    kl_horizon: float = 1.0
    gamma: float = 1.0
    gae_lambda: float = 1.0
    value_clip: float = 1.0
    value_weight: float = 0.0

    @property
    def prompts(self) -> int:
        """Of one step."""
        return self.answers_per_step // self.samples


ONLINE_FIELDS = tuple(field.name for field in fields(Settings))


def policy_settings(config: TrainConfig) -> Settings:
    """Raises ValueError in one line that names the setting, its value and what it may be."""
    own: dict[str, Any] = defaults()[config.objective]
    values = {name: own[name] for name in ONLINE_FIELDS if name in own}
    values |= {name: given for name in ONLINE_FIELDS if (given := getattr(config, name)) is not None}
    _check_fit(config)
    _check_numbers(values)
    found = Settings(**values)
    if found.reward_scaling not in SCALINGS[config.objective]:
        choices = list(SCALINGS[config.objective])
        raise ValueError(f"reward_scaling is '{found.reward_scaling}'; choose one of {choices}.")
    _check_shape(found, config.objective)
    return found


def _check_fit(config: TrainConfig) -> None:
    given = [name for name in OF_PPO if getattr(config, name) is not None]
    if config.objective != "ppo" and given:
        raise ValueError(f"{given[0]} belongs to the objective 'ppo'; leave it out for '{config.objective}'.")
    if processes.count() > 1:
        raise ValueError(
            f"'{config.objective}' samples, judges and learns in one process; start it without torchrun or accelerate."
        )
    if config.accumulation != 1:
        raise ValueError(
            f"accumulation is {config.accumulation}, but for '{config.objective}' it follows from --answers-per-step, "
            "--minibatches and --batch-size (rows at a time); leave it out."
        )


def _check_numbers(values: dict[str, Any]) -> None:
    for name in AT_LEAST_ONE:
        if values[name] < 1:
            raise ValueError(f"{name} is {values[name]}; it must be at least 1.")
    for name in POSITIVE:
        if name in values and not 0 < values[name] < math.inf:
            raise ValueError(f"{name} is {values[name]}; it must be more than 0.")
    for name in NOT_NEGATIVE:
        if name in values and not 0 <= values[name] < math.inf:
            raise ValueError(f"{name} is {values[name]}; it must be 0 or more.")
    for name in SHARES:
        if name in values and not 0 <= values[name] <= 1:
            raise ValueError(f"{name} is {values[name]}; it must lie between 0 and 1.")


def _check_shape(found: Settings, objective: str) -> None:
    if found.answers_per_step % found.samples:
        raise ValueError(
            f"answers_per_step is {found.answers_per_step} and samples is {found.samples}: a step has a whole number "
            f"of prompts; give a multiple of {found.samples}."
        )
    if objective == "grpo" and found.samples < 2:
        raise ValueError("samples is 1, but grpo compares answers to one prompt; give at least 2.")
    if found.minibatches > found.answers_per_step:
        raise ValueError(
            f"minibatches is {found.minibatches}, more than the {found.answers_per_step} answers of a step."
        )
