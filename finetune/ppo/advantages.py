"""How much better an answer was than expected, pure: rewards of single tokens, GAE for PPO, groups for GRPO.

All tensors are answers × tokens; `mask` is 1 on the tokens of an answer, its end included, and 0 on padding.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Keeps a group or a batch whose rewards are all equal at advantage 0; as in trl's GRPOTrainer and PPOTrainer.
GROUP_EPSILON, WHITEN_EPSILON = 1e-4, 1e-8


def token_rewards(scores: Tensor, log_probs: Tensor, reference: Tensor, mask: Tensor, kl: float) -> Tensor:
    """The reward of each token: what its step away from the reference costs, and at the last one the answer's score.

    The cost is the k1 estimate of the KL divergence, log p - log p_reference, times the coefficient `kl` (arXiv
    1909.08593, equation 2).
    """
    rewards = -kl * (log_probs - reference) * mask
    last = mask.sum(1).long() - 1
    rewards[torch.arange(len(scores), device=scores.device), last] += scores
    return rewards


def gae(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, lambda_: float) -> tuple[Tensor, Tensor]:
    """Advantages and returns by generalised advantage estimation (arXiv 1506.02438, equation 16).

    delta_t = r_t + gamma V_(t+1) - V_t, and A_t = delta_t + gamma lambda A_(t+1); after the end both are 0. What the
    value head should have said is R_t = A_t + V_t.
    """
    advantages = torch.zeros_like(rewards)
    after = torch.zeros_like(rewards[:, 0])
    value_after = torch.zeros_like(after)
    for at in reversed(range(rewards.shape[1])):
        inside = mask[:, at]
        delta = rewards[:, at] + gamma * value_after - values[:, at]
        after = (delta + gamma * lambda_ * after) * inside
        value_after = values[:, at] * inside
        advantages[:, at] = after
    return advantages, (advantages + values) * mask


def group_advantages(scores: Tensor, samples: int) -> Tensor:
    """Of each answer, against the others to its prompt: (r - mean) / std of the group (arXiv 2402.03300, section
    4.1.2). Answers to one prompt stand side by side."""
    groups = scores.view(-1, samples)
    spread = groups.std(1, keepdim=True)
    return ((groups - groups.mean(1, keepdim=True)) / (spread + GROUP_EPSILON)).flatten()


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum() / mask.sum().clamp(min=1)


def whiten(values: Tensor, mask: Tensor, *, keep_mean: bool = False) -> Tensor:
    """Mean 0 and variance 1 over all tokens, of PPO's advantages ("The N Implementation Details of RLHF with PPO",
    detail 6); with `keep_mean` only the variance changes, as trl's whiten_rewards does with rewards."""
    count = mask.sum()
    mean = masked_mean(values, mask)
    centred = (values - mean) * mask
    variance = (centred**2).sum() / (count - 1).clamp(min=1)
    scaled = centred * torch.rsqrt(variance + WHITEN_EPSILON)
    return (scaled + mean) * mask if keep_mean else scaled


def standardised(scores: Tensor) -> Tensor:
    """Scores of a step's answers with mean 0 and variance 1; a single one stays as it is."""
    if len(scores) < 2:
        return scores
    return (scores - scores.mean()) / (scores.std() + GROUP_EPSILON)
