"""Bottleneck adapters (Houlsby et al., arXiv 1902.00751): two small feed-forward networks in each layer, after
attention and after the feed-forward part, before the sum with the residual."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from finetune.methods import frozen
from finetune.methods.architecture import layers, parts
from finetune.schema import TrainConfig

loading = frozen.loading
NAME = "bottleneck"  # under this name it stands beside the weights of the layer that it follows


class Bottleneck(nn.Module):
    """Down, GELU, up, and the input added; the identity before training, so that a run starts from the base."""

    def __init__(self, width: int, bottleneck: int) -> None:
        super().__init__()
        self.down = nn.Linear(width, bottleneck)
        self.up = nn.Linear(bottleneck, width)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        # Trained in fp32 beside a layer in 16 bits, also where nothing else converts between the two.
        change: torch.Tensor = self.up(nn.functional.gelu(self.down(states.to(self.down.weight.dtype))))
        return states + change.to(states.dtype)


def attach(model: Any, config: TrainConfig, *, task: str, head: str | None) -> Any:
    insert(model, config)
    weights = [weight for part in _bottlenecks(model) for weight in part.parameters()]
    if head is not None:
        weights += model.get_submodule(head).parameters()
    frozen.train_only(model, weights)
    return model


def insert(model: Any, config: TrainConfig) -> None:
    """Puts untrained adapters into every layer, in the number format of the layer."""
    for layer in layers(model):
        found = parts(layer)
        for name in (found.attention_out, found.feed_forward_out):
            linear: Any = layer.get_submodule(name)
            # Linear keeps (out, in), GPT-2's Conv1D (in, out) with the width in nf.
            width = linear.nf if hasattr(linear, "nf") else linear.out_features
            linear.add_module(NAME, Bottleneck(width, config.bottleneck).to(linear.weight.dtype))
            linear.register_forward_hook(_through)


def _through(linear: Any, inputs: Any, output: torch.Tensor) -> torch.Tensor:
    result: torch.Tensor = linear.bottleneck(output)
    return result


def _bottlenecks(model: nn.Module) -> Iterator[Bottleneck]:
    for part in model.modules():
        if isinstance(part, Bottleneck):
            yield part
