"""GRPO's loss and gradient beside those of trl's GRPOTrainer, for the same answers on the same model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset

from finetune.causal import load_causal
from finetune.ppo.algorithms import ALGORITHMS
from finetune.ppo.experience import Experience
from finetune.ppo.policy import Said, said
from finetune.ppo.rollout import Answers
from finetune.ppo.settings import policy_settings
from finetune.schema import TrainConfig
from finetune.template import load_tokenizer

ANSWERS = Answers(
    prompts=[[5, 9, 40], [5, 9, 40], [7, 8, 6], [7, 8, 6]],
    answers=[[11, 12, 2], [13, 2], [14, 15, 16, 17], [18]],
    ended=[True, True, False, False],
)
KL = 0.04


def test_loss_and_gradient_are_those_of_trl(talker: Path, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    model, tokenizer = load_causal(talker), load_tokenizer(talker)
    now = said(model, ANSWERS, tokenizer.pad_token_id)
    torch.manual_seed(0)
    old, reference = (now.log_probs.detach() + 0.3 * torch.randn(4, 4) * now.mask for _ in range(2))
    scores = torch.tensor([1.0, 0.5, 0.2, 0.9])
    settings = policy_settings(TrainConfig(model="", out="", objective="grpo", samples=2, answers_per_step=4))
    before = Said(log_probs=old, entropy=now.entropy, values=now.values, mask=now.mask)
    advantages, returns = ALGORITHMS["grpo"].advantages(scores, before, reference, KL, settings)
    batch = Experience(
        answers=ANSWERS,
        scores=scores,
        old=before,
        reference=reference,
        advantages=advantages,
        returns=returns,
        weights=ALGORITHMS["grpo"].weights(now.mask),
    )
    own = (ALGORITHMS["grpo"].losses(now, batch, KL, settings).whole * batch.weights).sum()
    (gradient,) = torch.autograd.grad(own, [model.get_output_embeddings().weight])
    theirs = _of_trl(trl, model, tokenizer, tmp_path, batch)
    (expected,) = torch.autograd.grad(theirs, [model.get_output_embeddings().weight])
    assert float(own.detach()) == pytest.approx(float(theirs.detach()), abs=1e-6)
    assert torch.allclose(gradient, expected, atol=1e-6) and bool(expected.any())


def _of_trl(trl: Any, model: Any, tokenizer: Any, folder: Path, batch: Experience) -> torch.Tensor:
    settings = trl.GRPOConfig(
        output_dir=str(folder), beta=KL, loss_type="grpo", use_cpu=True, bf16=False, report_to="none",
        num_generations=2, per_device_train_batch_size=4, gradient_checkpointing=False,
    )  # fmt: skip
    trainer = trl.GRPOTrainer(
        model=model,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=settings,
        train_dataset=Dataset.from_list([{"prompt": "a"}] * 4),
        processing_class=tokenizer,
    )
    width = max(map(len, ANSWERS.answers))
    padded = [row + [tokenizer.pad_token_id] * (width - len(row)) for row in ANSWERS.answers]
    inputs = {
        "prompt_ids": torch.tensor(ANSWERS.prompts),
        "prompt_mask": torch.ones(4, 3, dtype=torch.long),
        "completion_ids": torch.tensor(padded),
        "completion_mask": batch.old.mask.long(),
        "advantages": batch.advantages[:, 0],
        "old_per_token_logps": batch.old.log_probs,
        "ref_per_token_logps": batch.reference,
        "num_items_in_batch": batch.old.mask.sum(),
    }
    trainer.current_gradient_accumulation_steps = 1
    loss: torch.Tensor = trainer._compute_loss(model.eval(), inputs)
    return loss
