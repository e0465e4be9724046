"""Full fine-tuning: every weight of the model is trained."""

from __future__ import annotations

from typing import Any

import torch

from finetune.schema import TrainConfig


def loading() -> dict[str, Any]:
    """fp32 master weights: at 1e-5 most updates are smaller than bf16 can add to a weight (it keeps 8
    bits)."""
    return {"dtype": torch.float32}


def attach(model: Any, config: TrainConfig, *, task: str, head: str | None) -> Any:
    return model.requires_grad_(True)
