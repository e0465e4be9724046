"""One step of PPO or GRPO: sample answers, have them judged, and learn from them in several small optimizer steps.

Read `improve` first; everything else serves it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from finetune.oom import free_memory, halved, in_batches, is_out_of_memory
from finetune.ppo.algorithms import judged
from finetune.ppo.experience import Experience, joined, part_of
from finetune.ppo.kl_control import next_coefficient
from finetune.ppo.policy import Said, said
from finetune.ppo.prompts import Prompt
from finetune.ppo.quiet import learning, still
from finetune.ppo.rollout import Answers
from finetune.ppo.statistics import Tally, of_answers, of_update

if TYPE_CHECKING:
    from finetune.ppo.trainer import PolicyTrainer

REMEDY = "fewer --answer-tokens, a smaller --max-length, a smaller model, or --method qlora"


def improve(trainer: PolicyTrainer, prompts: Sequence[Prompt]) -> Tensor:
    """Learns from fresh answers to the prompts and returns the mean loss.

    The optimizer step of the last minibatch is left to transformers' Trainer, which writes figures and checkpoints,
    and stops when asked to, after it.
    """
    answers = sample(trainer, prompts)
    experience, figures = judge(trainer, prompts, answers)
    trainer.check_distance(figures["kl"])
    tally = Tally()
    updates = list(minibatches(len(answers), trainer.settings.inner_epochs, trainer.settings.minibatches))
    for number, rows in enumerate(updates, start=1):
        tally.add(accumulate(trainer, experience.part(rows)))
        if number < len(updates):
            trainer.take_step()
    figures |= {"kl_coefficient": trainer.kl_coefficient, **tally.means()}
    loss = figures.pop("loss")
    trainer.tell(figures, sum(map(len, answers.prompts)) + sum(map(len, answers.answers)))
    target = trainer.settings.kl_target or None
    trainer.kl_coefficient = next_coefficient(
        trainer.kl_coefficient, figures["kl"], target, trainer.settings.kl_horizon
    )
    return torch.tensor(loss, device=trainer.args.device)


def sample(trainer: PolicyTrainer, prompts: Sequence[Prompt]) -> Answers:
    """As many answers to each prompt as the settings say, side by side."""
    still(trainer.model)
    asked = [prompt.tokens for prompt in prompts for _ in range(trainer.settings.samples)]
    with trainer.compute_loss_context_manager():
        return trainer.sampler.sample(trainer.model, asked, trainer.say)


def judge(
    trainer: PolicyTrainer, prompts: Sequence[Prompt], answers: Answers
) -> tuple[Experience, dict[str, float]]:
    """What is to be learned from the answers, and the figures to show of them."""
    settings, device = trainer.settings, trainer.args.device
    asked = [prompt.turns for prompt in prompts for _ in range(settings.samples)]
    texts = trainer.texts(answers)
    rewards = torch.tensor(trainer.reward(asked, texts), device=device)
    old = read(trainer, answers, trainer.head)
    with trainer.reference.in_place():
        reference = read(trainer, answers).log_probs
    ended = torch.tensor(answers.ended, device=device).float()
    scores = judged(rewards, ended, settings)
    advantages, returns = trainer.algorithm.advantages(
        scores, old, reference, trainer.kl_coefficient, settings
    )
    experience = Experience(
        answers=answers,
        scores=scores,
        old=old,
        reference=reference,
        advantages=advantages,
        returns=returns,
        weights=old.mask,
    )
    return experience, of_answers(experience, rewards, settings)


def read(trainer: PolicyTrainer, answers: Answers, head: Any = None) -> Said:
    """How likely the model, as it now is, finds the answers; without gradients."""

    def work(rows: Sequence[int]) -> list[Said]:
        with torch.no_grad(), trainer.compute_loss_context_manager():
            return said(trainer.model, part_of(answers, rows), trainer.pad_token_id, head).single()

    still(trainer.model)
    return joined(in_batches(range(len(answers)), trainer.rows, work, trainer.say, stage="training"))


def minibatches(answers: int, epochs: int, count: int) -> Iterator[list[int]]:
    """Numbers of the answers of each optimizer step: at first in their order, then in a new one each time."""
    size = -(-answers // count)
    for epoch in range(epochs):
        order = torch.randperm(answers).tolist() if epoch else list(range(answers))
        yield from (order[at : at + size] for at in range(0, answers, size))


def accumulate(trainer: PolicyTrainer, batch: Experience) -> dict[str, float]:
    """Leaves the gradient of one minibatch, a few rows at a time, fewer where memory runs out; returns its means."""
    batch = batch.weighted(trainer.algorithm.weights(batch.old.mask))
    while True:
        trainer.clear_gradients()
        try:
            figures = _backward(trainer, batch)
            trainer.clip_head()
            return figures
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        free_memory()  # after the except block: a traceback keeps tensors alive
        trainer.rows = halved(trainer.rows, "training", REMEDY)
        trainer.say(f"memory ran out in training: it goes on with {trainer.rows} answers at a time")


def _backward(trainer: PolicyTrainer, batch: Experience) -> dict[str, float]:
    """The gradient of the whole is the sum of its parts': each token keeps the weight that it has in the whole."""
    sums: dict[str, Tensor] = {}
    count = len(batch.answers)
    with learning(trainer.model):
        for at in range(0, count, trainer.rows):
            part = batch.part(range(at, min(at + trainer.rows, count)))
            with trainer.compute_loss_context_manager():
                now = said(trainer.model, part.answers, trainer.pad_token_id, trainer.head)
            losses = trainer.algorithm.losses(now, part, trainer.kl_coefficient, trainer.settings)
            loss = (losses.whole * part.weights).sum()
            trainer.accelerator.backward(loss)
            told = of_update(now, part, losses, trainer.settings, trainer.algorithm.extra)
            for name, value in {"loss": loss.detach(), **told}.items():
                sums[name] = sums.get(name, torch.zeros_like(value)) + value
    return {name: float(value) for name, value in sums.items()}
