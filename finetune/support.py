"""Whether a method can serve an objective on a model, told from config.json before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finetune.methods import entry
from finetune.methods.refusals import writes_no_text

WRITING = ("dpo", "grpo", "kto", "ppo", "pretrain", "sft")  # objectives of a model that writes text


def why_not(method: str, objective: str, model_config: Mapping[str, Any]) -> str | None:
    """The reason in one sentence, or None where it works. Raises ValueError for an unknown method."""
    rules = entry(method).refuses
    if objective in WRITING and (reason := writes_no_text(model_config)) is not None:
        return reason
    return next((reason for rule in rules if (reason := rule(objective, model_config)) is not None), None)


def check_support(method: str, objective: str, model_config: Mapping[str, Any]) -> None:
    """Raises ValueError with the reason of `why_not`."""
    reason = why_not(method, objective, model_config)
    if reason is not None:
        raise ValueError(f"Method '{method}' cannot be used here: {reason}.")
