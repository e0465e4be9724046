"""Finds mistakes in the settings of methods, with no library and no model."""

from __future__ import annotations

from finetune.schema import TrainConfig

AT_LEAST_ONE = ("adalora_target_rank", "oft_block", "bottleneck", "last_layers", "virtual_tokens")
CHOICES = {"prompt_start": ("random", "vocabulary"), "prompt_encoder": ("lstm", "mlp")}


def check_settings(config: TrainConfig) -> None:
    """Raises ValueError in one line that names the setting, its value and what it may be."""
    for name in AT_LEAST_ONE:
        if getattr(config, name) < 1:
            raise ValueError(f"{name} is {getattr(config, name)}; it must be at least 1.")
    for name, choices in CHOICES.items():
        if getattr(config, name) not in choices:
            raise ValueError(f"{name} is '{getattr(config, name)}'; choose one of {list(choices)}.")
    if config.prompt_hidden is not None and config.prompt_hidden < 1:
        raise ValueError(f"prompt_hidden is {config.prompt_hidden}; it must be at least 1.")
    if not config.logistic_c > 0:
        raise ValueError(f"logistic_c is {config.logistic_c}; it must be more than 0.")
    if config.prompt_text is not None and config.method != "prompt":
        raise ValueError(f"prompt_text starts prompt tuning; leave it out for method '{config.method}'.")
