"""What an objective of judgements makes of the ratios of a batch: a loss to learn from and figures to be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from finetune.preference_loss import DPO_LOSSES, answer_logps, bradley_terry, kto

Facts = Mapping[str, torch.Tensor]  # of each row: tokens (rows x 2), and liked where there are thumbs
Mean = Callable[[torch.Tensor], torch.Tensor]  # over the rows of a batch, in all processes
TIE = 1e-3  # nats: below this rounding decides, as before the first step; a tie counts half


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`sides(model, batch)`: a number for each sequence. `losses(ratios, facts, mean)`: one for each row, of ratios
    that are rows x 2. `figures(ratios, facts)`: of each row, by name. `referenced`: ratios are to a reference."""

    other: str  # the second side's name in a row
    sides: Callable[[Any, Mapping[str, torch.Tensor]], torch.Tensor]
    losses: Callable[[torch.Tensor, Facts, Mean], torch.Tensor]
    figures: Callable[[torch.Tensor, Facts], dict[str, torch.Tensor]]
    referenced: bool = True
    second_learned: bool = True  # whether gradients go through the second side


def dpo_rule(beta: float, kind: str) -> Rule:
    return Rule(
        other="rejected",
        sides=_logps,
        losses=lambda ratios, facts, mean: DPO_LOSSES[kind](ratios, facts["tokens"], beta),
        figures=lambda ratios, facts: _compared(ratios[:, 0] - ratios[:, 1], beta),
    )


def kto_rule(beta: float, weights: tuple[float, float]) -> Rule:
    def losses(ratios: torch.Tensor, facts: Facts, mean: Mean) -> torch.Tensor:
        return kto(ratios[:, 0], facts["liked"].bool(), mean(ratios[:, 1]), beta, weights)

    def figures(ratios: torch.Tensor, facts: Facts) -> dict[str, torch.Tensor]:
        kl, liked = ratios[:, 1].mean().clamp(min=0), facts["liked"].bool()
        found = _compared((ratios[:, 0] - kl) * torch.where(liked, 1.0, -1.0), beta)
        found["margin"] = beta * ratios[:, 0] * _shares(liked)
        return {**found, "kl": ratios[:, 1]}

    return Rule(other="mismatched", sides=_logps, losses=losses, figures=figures, second_learned=False)


def reward_rule() -> Rule:
    return Rule(
        other="rejected",
        sides=_scores,
        losses=lambda scores, facts, mean: bradley_terry(scores),
        figures=lambda scores, facts: _compared(scores[:, 0] - scores[:, 1], 1.0, tie=0.0),
        referenced=False,
    )


def _shares(liked: torch.Tensor) -> torch.Tensor:
    """Weights of rows whose mean is then that of the liked ones minus that of the disliked."""
    count = len(liked)
    return torch.where(liked, count / liked.sum().clamp(min=1), -count / (~liked).sum().clamp(min=1))


def _compared(differences: torch.Tensor, beta: float, *, tie: float = TIE) -> dict[str, torch.Tensor]:
    right = torch.where(differences.abs() <= tie, 0.5, (differences > 0).double())
    return {"accuracy": right, "margin": beta * differences}


def _logps(model: Any, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return answer_logps(logits, batch["labels"])


def _scores(model: Any, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    scores: torch.Tensor = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return scores[:, 0].float()
