"""The loss of a sentence embedder, pure: each question has to lie nearest to its own passage among all of its batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

Keys = Sequence[int]  # numbers that stand for texts: the same text, the same number


def columns_of(positives: Keys, negatives: Sequence[Keys]) -> list[int]:
    """The passages of a batch, each once: the positives of its rows, then what was given as negatives."""
    return list(dict.fromkeys([*positives, *(key for row in negatives for key in row)]))


def targets_of(positives: Keys, columns: Keys) -> torch.Tensor:
    """Of each row, the column of its own positive."""
    places = {key: at for at, key in enumerate(columns)}
    return torch.tensor([places[key] for key in positives], dtype=torch.long)


def never_negative(positives: Keys, right: Sequence[Keys], columns: Keys) -> torch.Tensor:
    """Rows x columns, true for a passage that answers the row's question too: it is neither drawn near as the target
    is nor pushed away."""
    return torch.tensor(
        [
            [key != own and key in answers for key in columns]
            for own, answers in zip(positives, map(frozenset, right), strict=True)
        ],
        dtype=torch.bool,
    )


def contrastive_losses(
    questions: torch.Tensor,
    passages: torch.Tensor,
    targets: torch.Tensor,
    masked: torch.Tensor,
    *,
    temperature: float,
    both_directions: bool = False,
) -> torch.Tensor:
    """One loss for each question: cross-entropy of its own passage over the cosines divided by `temperature` (van den
    Oord and others, arXiv 1807.03748; in-batch negatives as in Karpukhin and others, arXiv 2004.04906).

    `questions` and `passages` are unit vectors, rows and columns of `masked`. With `both_directions` each positive also
    has to find its question among those of the batch, and the two losses are averaged.
    """
    scores = (questions @ passages.T / temperature).masked_fill(masked, -torch.inf)
    losses = functional.cross_entropy(scores, targets, reduction="none")
    if not both_directions:
        return losses
    back = scores[:, targets].T  # row i: how near each question is to the positive of question i
    same = targets[:, None] == targets[None, :]  # another question of the same passage is no wrong one
    back = back.masked_fill(same & ~torch.eye(len(targets), dtype=torch.bool, device=same.device), -torch.inf)
    own = torch.arange(len(targets), device=targets.device)
    return (losses + functional.cross_entropy(back, own, reduction="none")) / 2
