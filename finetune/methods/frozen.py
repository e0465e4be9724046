"""What methods share that leave most of a model as it is: how it is loaded, and what is trained in fp32."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel


def loading() -> dict[str, Any]:
    """The frozen base in bf16 where a card can compute in it, else in fp32."""
    bf16 = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return {"dtype": torch.bfloat16 if bf16 else torch.float32}


def train_only(model: nn.Module, weights: Iterable[nn.Parameter]) -> None:
    """Freezes the model but for these weights, which are held in fp32: small steps vanish in bf16."""
    model.requires_grad_(False)
    for weight in weights:
        weight.data = weight.data.float()
        weight.requires_grad_(True)
    if isinstance(model, PreTrainedModel):
        # A checkpoint then holds what is trained: the frozen rest is read from the base.
        trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
        model._keys_to_ignore_on_save = set(model.state_dict()) - trained
