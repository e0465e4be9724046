"""Remembers the last policy that was near enough to the reference, for a run that goes too far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

NAME = "kept."


class TooFar(Exception):
    """The policy left the reference by more than the run allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Trained weights, beside the processor so that a card has room, and after which step they were so."""

    step: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, model: Any, step: int) -> Kept:
        trained = ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)
        return cls(step=step, weights={name: weight.detach().cpu().clone() for name, weight in trained})

    def restore(self, model: Any) -> None:
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if name in self.weights:
                    weight.copy_(self.weights[name])

    def state(self) -> dict[str, Tensor]:
        """For a checkpoint."""
        if not self.weights:
            return {}
        return {f"{NAME}step": torch.tensor(self.step), **{f"{NAME}{n}": w for n, w in self.weights.items()}}

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> Kept:
        own = {name.removeprefix(NAME): value for name, value in state.items() if name.startswith(NAME)}
        return cls(step=int(own.pop("step", 0)), weights=own)
