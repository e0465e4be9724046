"""The figures of a step: what is shown while it runs, written into metrics.jsonl and drawn."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from torch import Tensor

from finetune.ppo.losses import clipped_share

if TYPE_CHECKING:
    from finetune.ppo.algorithms import Losses
    from finetune.ppo.experience import Experience
    from finetune.ppo.policy import Said
    from finetune.ppo.settings import Settings


def of_answers(experience: Experience, rewards: Tensor, settings: Settings) -> dict[str, float]:
    """Of what was sampled: mean reward as judged, KL from the reference for an answer and a token (nats), length, and
    the share that ended by itself."""
    mask = experience.old.mask
    apart = (experience.old.log_probs - experience.reference) * mask
    found = {
        "reward": float(rewards.mean()),
        "kl": float(apart.sum(1).mean()),
        "kl_per_token": float(apart.sum() / mask.sum()),
        "entropy": float(experience.old.entropy.sum() / mask.sum()),
        "answer_tokens": float(mask.sum(1).mean()),
        "ended": sum(experience.answers.ended) / len(experience.answers),
    }
    if settings.samples > 1:  # groups whose answers are all rewarded alike teach nothing
        groups = rewards.view(-1, settings.samples)
        found["flat_groups"] = float((groups == groups[:, :1]).all(1).float().mean())
    return found


class Tally:
    """Means over the tokens of a step's updates, each token by its weight in the loss."""

    def __init__(self) -> None:
        self._sums: Counter[str] = Counter()
        self._updates = 0

    def add(self, figures: dict[str, float]) -> None:
        """Of one optimizer step."""
        self._updates += 1
        for name, value in figures.items():
            self._sums[name] += value  # type: ignore[assignment]

    def means(self) -> dict[str, float]:
        return {name: value / self._updates for name, value in self._sums.items()}


def of_update(
    now: Said, part: Experience, losses: Losses, settings: Settings, extra: str
) -> dict[str, Tensor]:
    """Sums over a part of a minibatch; those of all its parts are the minibatch's means."""
    old, weights = part.old.log_probs, part.weights
    clipped = clipped_share(now.log_probs, old, part.advantages, settings.clip)
    return {
        "policy_loss": (losses.policy * weights).sum().detach(),
        extra: (losses.extra * weights).sum().detach(),
        "clip_share": (clipped * weights).sum().detach(),
        "ratio": ((now.log_probs - old).exp() * weights).sum().detach(),
    }
