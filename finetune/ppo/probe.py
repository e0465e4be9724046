"""Tries the longest answers before the first step, so that memory that will not do is known at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from finetune.ppo.experience import Experience
from finetune.ppo.loop import accumulate, read
from finetune.ppo.rollout import Answers

if TYPE_CHECKING:
    from finetune.ppo.trainer import PolicyTrainer


def try_longest(trainer: PolicyTrainer) -> None:
    """A minibatch of the longest prompts with answers that use all their tokens; nothing is learned from it."""
    samples = trainer.settings.samples
    count = max(1, trainer.rows // samples)
    prompts = sorted(trainer.prompts, key=lambda prompt: -len(prompt.tokens))[:count]
    asked = [prompt.tokens for prompt in prompts for _ in range(samples)]
    answer = [trainer.pad_token_id] * trainer.settings.answer_tokens
    answers = Answers(prompts=asked, answers=[answer] * len(asked), ended=[False] * len(asked))
    cards = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    with torch.random.fork_rng(devices=cards):
        old = read(trainer, answers, trainer.head)
        nothing = torch.zeros_like(old.mask)
        accumulate(
            trainer,
            Experience(
                answers=answers,
                scores=nothing[:, 0],
                old=old,
                reference=old.log_probs,
                advantages=nothing,
                returns=nothing,
                weights=nothing,
            ),
        )
    trainer.clear_gradients()
