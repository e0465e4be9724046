"""An optimizer with a learning rate of its own for a new head: it starts from noise, while the body starts trained."""

from __future__ import annotations

from typing import Any

from torch import nn


def with_head_rate(trainer: Any, head_rate: float) -> Any:
    """The optimizer of a trainer whose model has its head at `classifier`; made once."""
    if trainer.optimizer is not None:
        return trainer.optimizer
    body: list[nn.Parameter] = []
    head: list[nn.Parameter] = []
    for name, weight in trainer.model.named_parameters():
        if weight.requires_grad:
            (head if "classifier" in name else body).append(weight)
    args = trainer.args
    # Where the head alone is trained, the run's rate is its own.
    rates = (args.learning_rate, head_rate if body else args.learning_rate)
    groups = [{"params": part, "lr": rate} for part, rate in zip((body, head), rates, strict=True)]
    kind, settings = trainer.get_optimizer_cls_and_kwargs(args)
    trainer.optimizer = kind(groups, **settings, weight_decay=args.weight_decay)
    return trainer.optimizer
