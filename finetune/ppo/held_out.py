"""How well answers to held-out prompts are rewarded, before and after: sampled with one seed, so that the two differ by
the policy alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from finetune.defaults import defaults
from finetune.gains import RowScores
from finetune.held_out import evaluating
from finetune.ppo.loop import read
from finetune.ppo.prompts import Prompt
from finetune.schema import TrainConfig

Metrics = dict[str, float]


def scoring(
    trainer: Any, held: Sequence[Prompt], config: TrainConfig
) -> tuple[Callable[[], Metrics], Callable[[], RowScores]]:
    """The job's `evaluate`, which samples and judges, and its `score_rows`, which tells of the same answers."""
    asked = list(held[: int(defaults()["policy"]["scored_prompts"])]) if config.metric_rows else []
    found = RowScores()

    def evaluate() -> Metrics:
        nonlocal found
        if not asked:
            return {}
        metrics, found = _scored(trainer, asked, config.seed)
        return metrics

    return evaluate, lambda: found


def _scored(trainer: Any, asked: Sequence[Prompt], seed: int) -> tuple[Metrics, RowScores]:
    cards = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    with torch.random.fork_rng(devices=cards), evaluating(trainer.model):
        torch.manual_seed(seed)
        with trainer.compute_loss_context_manager():
            answers = trainer.sampler.sample(trainer.model, [prompt.tokens for prompt in asked], trainer.say)
        now = read(trainer, answers)
        with trainer.reference.in_place():
            reference = read(trainer, answers).log_probs
    texts = trainer.texts(answers)
    rewards = trainer.reward([prompt.turns for prompt in asked], texts)
    ended = [float(one) for one in answers.ended]
    apart = now.log_probs - reference
    metrics = {
        "reward": sum(rewards) / len(rewards),
        "kl": float(apart.sum(1).mean()),
        "kl_per_token": float(apart.sum() / now.mask.sum()),
        "answer_tokens": float(now.mask.sum(1).mean()),
        "ended": sum(ended) / len(ended),
    }
    return metrics, RowScores(means={"reward": rewards, "ended": ended})
