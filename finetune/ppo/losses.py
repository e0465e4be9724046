"""The losses of PPO and GRPO for each token, pure. Each is to be made small: a sign that is wrong teaches the
opposite."""

from __future__ import annotations

import torch
from torch import Tensor


def policy_loss(log_probs: Tensor, old: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """PPO's clipped objective with its sign turned (arXiv 1707.06347, equation 7): max(-A r, -A clip(r)).

    r is how much likelier the token is now than when it was sampled. Where a step would gain by moving r further out
    of [1 - clip, 1 + clip], the gradient is zero; the way back is open.
    """
    ratio = (log_probs - old).exp()
    return torch.maximum(-advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip))


def value_loss(values: Tensor, old: Tensor, returns: Tensor, clip: float) -> Tensor:
    """Half the squared error, of the value or of one that moved at most `clip`, whichever is worse ("The N
    Implementation Details of RLHF with PPO", detail 8)."""
    near = old + (values - old).clamp(-clip, clip)
    return 0.5 * torch.maximum((values - returns) ** 2, (near - returns) ** 2)


def kl_k3(log_probs: Tensor, reference: Tensor) -> Tensor:
    """An estimate of KL(policy | reference) that is never negative: exp(d) - d - 1 with d = log p_reference - log p
    (Schulman, "Approximating KL Divergence"; arXiv 2402.03300, equation 4)."""
    apart = reference - log_probs
    return apart.exp() - apart - 1


def clipped_share(log_probs: Tensor, old: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """1 where the clipped side of the objective is the one that counts, so that the token teaches nothing."""
    ratio = (log_probs - old).exp()
    above, below = (ratio > 1 + clip) & (advantages > 0), (ratio < 1 - clip) & (advantages < 0)
    return (above | below).to(log_probs.dtype)
