"""Finds mistakes in the settings of objectives that learn from judged answers."""

from __future__ import annotations

from finetune.objectives import JUDGED
from finetune.schema import TrainConfig

LOSSES = ("ipo", "rpo", "sigmoid")  # as preference_loss.DPO_LOSSES, which torch comes with


def check_judged(config: TrainConfig) -> None:
    """Raises ValueError in one line that names the setting, its value and what it may be."""
    if not config.beta > 0:
        raise ValueError(f"beta is {config.beta}; it must be more than 0 (e.g. 0.1).")
    if config.preference_loss not in LOSSES:
        raise ValueError(f"preference_loss is '{config.preference_loss}'; choose one of {list(LOSSES)}.")
    for name in ("desirable_weight", "undesirable_weight"):
        weight = getattr(config, name)
        if weight is not None and not weight > 0:
            raise ValueError(f"{name} is {weight}; it must be more than 0 (e.g. 1.5).")
        if weight is not None and config.objective != "kto":
            raise ValueError(f"{name} belongs to the objective 'kto'; leave it out for '{config.objective}'.")
    if config.objective not in JUDGED:
        return
    if config.packing:
        raise ValueError(
            f"Judged answers are compared one by one, not packed; leave --packing out for '{config.objective}'."
        )
    if config.replay:
        raise ValueError(
            f"replay is {config.replay}, but general rows are not judged, so '{config.objective}' cannot learn from "
            "them; leave it out."
        )
