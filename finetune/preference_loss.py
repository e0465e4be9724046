"""The losses of learning from judgements, pure: over pairs (DPO, IPO, RPO; Bradley and Terry) and over thumbs (KTO).

A ratio is log p(answer) under the model that is trained minus that under the reference, in nats.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn.functional import cross_entropy, logsigmoid

from finetune.template import IGNORED

Pairs = torch.Tensor  # rows x 2: the better and the worse side


def answer_logps(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Log-probability of each row's labelled tokens together. What a soft prompt puts before them does not count."""
    wanted = labels[:, 1:]
    kept = wanted != IGNORED
    # Only the places that count are widened to fp32: a long question costs nothing.
    said = -cross_entropy(logits[:, -labels.shape[1] : -1][kept].float(), wanted[kept], reduction="none")
    return said.new_zeros(len(labels)).index_add(0, kept.nonzero()[:, 0], said)


def dpo(ratios: Pairs, tokens: Pairs, beta: float) -> torch.Tensor:
    """-log sigmoid(beta (better - worse)): arXiv 2305.18290, equation 7. For each row."""
    return -logsigmoid(beta * (ratios[:, 0] - ratios[:, 1]))


def ipo(ratios: Pairs, tokens: Pairs, beta: float) -> torch.Tensor:
    """(better - worse - 1 / (2 beta))^2: arXiv 2310.12036, equation 17; ratios as means over the answers' `tokens`, as
    TRL says its authors meant it."""
    means = ratios / tokens.clamp(min=1)
    return (means[:, 0] - means[:, 1] - 1 / (2 * beta)) ** 2


def rpo(ratios: Pairs, tokens: Pairs, beta: float) -> torch.Tensor:
    """DPO and, of the same weight, the better answer's loss for each token: arXiv 2404.19733, section 2 (alpha 1).

    A margin may also grow while both answers become unlikely, and so does what both begin with, which DPO alone leaves
    to chance. The reference's own loss, a constant, is left out, so that the first step has that of DPO.
    """
    return dpo(ratios, tokens, beta) - ratios[:, 0] / tokens[:, 0].clamp(min=1)


DPO_LOSSES: dict[str, Callable[[Pairs, Pairs, float], torch.Tensor]] = {
    "ipo": ipo,
    "rpo": rpo,
    "sigmoid": dpo,
}


def kto(
    ratios: torch.Tensor, liked: torch.Tensor, kl: torch.Tensor, beta: float, weights: tuple[float, float]
) -> torch.Tensor:
    """arXiv 2402.01306, equations 7 and 8, for each row; `weights` are those of liked and of disliked answers.

    A liked answer wants its ratio above `kl` (how far the model is from the reference on answers to other questions,
    which no gradient goes through), a disliked one below.
    """
    above = beta * (ratios - kl.detach().clamp(min=0))
    return torch.where(liked, weights[0] * (1 - above.sigmoid()), weights[1] * (1 - (-above).sigmoid()))


def balanced(liked: int, disliked: int) -> tuple[float, float]:
    """Weights with which both kinds count the same in sum, the rarer one for more than 1: the lower end of the range
    (1 to 4/3) that arXiv 2402.01306, section 4.3, names."""
    return max(1.0, disliked / liked), max(1.0, liked / disliked)


def bradley_terry(scores: Pairs) -> torch.Tensor:
    """-log sigmoid(better - worse), for each row: arXiv 2203.02155, equation 1."""
    return -logsigmoid(scores[:, 0] - scores[:, 1])
