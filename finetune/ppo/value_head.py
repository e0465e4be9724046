"""Says from the last hidden state what reward a half-written answer will bring."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class ValueHead(nn.Module):
    """One number for each token; zero before training, so that the first advantages are the rewards themselves."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 1)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, states: Tensor) -> Tensor:
        # In fp32, also under autocast: rewards are learned to more digits than bf16 has.
        with torch.autocast(states.device.type, enabled=False):
            values: Tensor = self.linear(states.float()).squeeze(-1)
        return values


@contextmanager
def last_states(model: Any) -> Iterator[list[Tensor]]:
    """While open, the list holds what the output layer reads in each forward pass: the last hidden states, whatever
    the family calls them, without those of the layers below."""
    found: list[Tensor] = []
    hook = model.get_output_embeddings().register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    try:
        yield found
    finally:
        hook.remove()
