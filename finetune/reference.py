"""The policy that a run started from, kept as a copy of what is trained: it answers through the same model, so that
no second one is held and every method has one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


class Reference:
    """Made before the first step. Weights that are frozen are those of the start anyway."""

    def __init__(self, model: Any) -> None:
        self._weights = {
            name: weight.detach().clone()
            for name, weight in model.named_parameters()
            if weight.requires_grad  # a copy of the whole model only where the whole model is trained
        }
        self._model = model

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """While open, the model is the one of the start. The tensors change places; none is copied."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        with torch.no_grad():
            for name, weight in self._model.named_parameters():
                if name in self._weights:
                    weight.data, self._weights[name] = self._weights[name], weight.data
