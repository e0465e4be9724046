"""What a step learns from: sampled answers, their rewards, and what policy, reference and value head said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from finetune.ppo.policy import Said
from finetune.ppo.rollout import Answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """Tensors are answers × tokens but for `scores`, one for each answer; `old` is of the policy that sampled."""

    answers: Answers
    scores: Tensor
    old: Said
    reference: Tensor  # log-probabilities
    advantages: Tensor
    returns: Tensor
    weights: Tensor  # what each token counts in the loss; they sum to 1 in each minibatch

    def part(self, rows: Sequence[int]) -> Experience:
        """These answers alone, with no more padding than the longest of them needs."""
        at = torch.tensor(rows, device=self.scores.device)
        width = max(len(self.answers.answers[row]) for row in rows)

        def cut(table: Tensor) -> Tensor:
            return table[at, :width]

        return Experience(
            answers=part_of(self.answers, rows),
            scores=self.scores[at],
            old=Said(**{name: cut(getattr(self.old, name)) for name in Said.__slots__}),
            reference=cut(self.reference),
            advantages=cut(self.advantages),
            returns=cut(self.returns),
            weights=cut(self.weights),
        )

    def weighted(self, weights: Tensor) -> Experience:
        return replace(self, weights=weights)


def part_of(answers: Answers, rows: Sequence[int]) -> Answers:
    return Answers(
        prompts=[answers.prompts[row] for row in rows],
        answers=[answers.answers[row] for row in rows],
        ended=[answers.ended[row] for row in rows],
    )


def joined(parts: Sequence[Said]) -> Said:
    """Rows of several forward passes in one table, padded to the longest answer of all."""
    width = max(part.mask.shape[1] for part in parts)

    def all_of(name: str) -> Tensor:
        tables = [getattr(part, name) for part in parts]
        return torch.cat([torch.nn.functional.pad(table, (0, width - table.shape[1])) for table in tables])

    return Said(**{name: all_of(name) for name in Said.__slots__})
