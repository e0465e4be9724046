"""A model without dropout, also where gradient checkpointing is on: noise would part the probabilities that an answer
was sampled with from those that it is learned with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from transformers.modeling_layers import GradientCheckpointingLayer

# What layers keep their own share of dropout under (OPT, BLOOM and others apply it in the layer itself).
SHARES = ("dropout", "activation_dropout", "hidden_dropout", "attention_dropout")


def still(model: Any) -> None:
    """Evaluation mode: nothing is random, and answers are written with a cache."""
    model.eval()


@contextmanager
def learning(model: Any) -> Iterator[None]:
    """Still without dropout, but layers that save memory by computing twice do so: they look whether they train."""
    model.eval()
    saving = [
        part
        for part in model.modules()
        if isinstance(part, GradientCheckpointingLayer) and part.gradient_checkpointing
    ]
    for layer in saving:
        layer.training = True  # of the layer alone: what lies inside stays as it is
        for name in SHARES:
            if isinstance(getattr(layer, name, None), float):
                setattr(layer, name, 0.0)
    try:
        yield
    finally:
        model.eval()
