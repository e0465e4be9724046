"""ALGORITHMS: where PPO and GRPO differ, which is in three places: advantages, the loss of a token, and its weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from finetune.ppo.advantages import gae, group_advantages, standardised, token_rewards, whiten
from finetune.ppo.experience import Experience
from finetune.ppo.losses import kl_k3, policy_loss, value_loss
from finetune.ppo.policy import Said
from finetune.ppo.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """Of each token; `extra` stands beside the policy's loss: the value head's (PPO), or the KL (GRPO)."""

    policy: Tensor
    extra: Tensor
    extra_weight: float

    @property
    def whole(self) -> Tensor:
        return self.policy + self.extra_weight * self.extra


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """`advantages(scores, old, reference, kl coefficient, settings)` gives advantages and returns; `losses(now,
    experience, kl coefficient, settings)` what a step makes small; `weights(mask)` what each token of a minibatch
    counts, 1 in sum."""

    has_values: bool
    extra: str  # what the second loss is called
    advantages: Callable[[Tensor, Said, Tensor, float, Settings], tuple[Tensor, Tensor]]
    losses: Callable[[Said, Experience, float, Settings], Losses]
    weights: Callable[[Tensor], Tensor]


def _ppo_advantages(
    scores: Tensor, old: Said, reference: Tensor, kl: float, settings: Settings
) -> tuple[Tensor, Tensor]:
    """The KL is part of the reward, so that the value head learns it too."""
    rewards = token_rewards(scores, old.log_probs, reference, old.mask, kl)
    if settings.reward_scaling == "whiten":
        rewards = whiten(rewards, old.mask, keep_mean=True)
    advantages, returns = gae(rewards, old.values, old.mask, settings.gamma, settings.gae_lambda)
    return whiten(advantages, old.mask), returns


def _ppo_losses(now: Said, batch: Experience, kl: float, settings: Settings) -> Losses:
    return Losses(
        policy=policy_loss(now.log_probs, batch.old.log_probs, batch.advantages, settings.clip),
        extra=value_loss(now.values, batch.old.values, batch.returns, settings.value_clip),
        extra_weight=settings.value_weight,
    )


def _by_token(mask: Tensor) -> Tensor:
    """Each token of the minibatch counts the same, as in OpenAI's code."""
    return mask / mask.sum()


def _grpo_advantages(
    scores: Tensor, old: Said, reference: Tensor, kl: float, settings: Settings
) -> tuple[Tensor, Tensor]:
    advantages = group_advantages(scores, settings.samples)[:, None] * old.mask
    return advantages, advantages


def _grpo_losses(now: Said, batch: Experience, kl: float, settings: Settings) -> Losses:
    """The KL is part of the loss (arXiv 2402.03300, equation 3), with the weight of a token that was sampled by an
    earlier policy: without it the gradient is not that of the KL (arXiv 2512.02556, as TRL's GRPOTrainer does)."""
    ratio = (now.log_probs - batch.old.log_probs).exp()
    return Losses(
        policy=policy_loss(now.log_probs, batch.old.log_probs, batch.advantages, settings.clip),
        extra=kl_k3(now.log_probs, batch.reference) * ratio,
        extra_weight=kl,
    )


def _by_answer(mask: Tensor) -> Tensor:
    """Each answer counts the same, and within it each token (arXiv 2402.03300, equation 3)."""
    return mask / (mask.sum(1, keepdim=True) * len(mask))


ALGORITHMS = {
    "ppo": Algorithm(
        has_values=True, extra="value_loss", advantages=_ppo_advantages, losses=_ppo_losses, weights=_by_token
    ),
    "grpo": Algorithm(
        has_values=False,
        extra="kl_loss",
        advantages=_grpo_advantages,
        losses=_grpo_losses,
        weights=_by_answer,
    ),
}


def judged(scores: Tensor, ended: Tensor, settings: Settings) -> Tensor:
    """Rewards as they are learned from: less for answers that did not end, and brought to one scale if asked for."""
    penalised = scores - settings.eos_penalty * (1 - ended)
    return standardised(penalised) if settings.reward_scaling == "standard" else penalised
