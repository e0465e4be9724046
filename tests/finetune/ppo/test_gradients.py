"""The whole gradient of PPO and of GRPO, for a policy of one weight, against numbers worked out on paper."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from finetune.ppo.algorithms import ALGORITHMS
from finetune.ppo.experience import Experience
from finetune.ppo.policy import Said, said
from finetune.ppo.rollout import Answers
from finetune.ppo.settings import policy_settings
from finetune.ppo.value_head import ValueHead
from finetune.schema import TrainConfig

THETA = 0.3  # the logit of token 1; that of token 0 is 0, so that p(1) = 1 / (1 + e^-0.3) = 0.574443
PAD = 0


class OneWeight(nn.Module):
    """Says token 1 with the same probability everywhere; its hidden state is 1 everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(1, 2, bias=False)
        self.output.weight.data = torch.tensor([[0.0], [THETA]])
        self.device = torch.device("cpu")

    def get_output_embeddings(self) -> nn.Linear:
        return self.output

    def forward(self, input_ids: Tensor, **others: Any) -> Any:
        return SimpleNamespace(logits=self.output(torch.ones(*input_ids.shape, 1)))


# Two answers: tokens 1 and 0, and token 1 alone beside padding.
ANSWERS = Answers(prompts=[[1], [1, 1]], answers=[[1, 0], [1]], ended=[True, True])
MASK = torch.tensor([[1.0, 1.0], [1.0, 0.0]])


def gradients(objective: str, old: list[list[float]], advantages: list[list[float]]) -> tuple[float, ...]:
    """By the logit of token 1, and by the value head's weight and bias."""
    model, head = OneWeight(), ValueHead(1)
    algorithm = ALGORITHMS[objective]
    settings = policy_settings(TrainConfig(model="m", out="o", objective=objective))
    before = Said(
        log_probs=torch.tensor(old).log() * MASK,
        entropy=torch.zeros(2, 2),
        values=torch.zeros(2, 2),
        mask=MASK,
    )
    batch = Experience(
        answers=ANSWERS,
        scores=torch.zeros(2),
        old=before,
        reference=torch.full((2, 2), math.log(0.5)) * MASK,
        advantages=torch.tensor(advantages),
        returns=torch.tensor([[1.0, 2.0], [3.0, 0.0]]),
        weights=algorithm.weights(MASK),
    )
    losses = algorithm.losses(said(model, ANSWERS, PAD, head), batch, settings.kl_coefficient, settings)
    (losses.whole * batch.weights).sum().backward()
    of_head = [0.0 if w.grad is None else float(w.grad) for w in (head.linear.weight, head.linear.bias)]
    assert model.output.weight.grad is not None
    return float(model.output.weight.grad[1, 0]), *of_head


def test_the_gradient_of_ppo() -> None:
    """All tokens had 0.5 when they were sampled, so that r(1) = 1.148885 and r(0) = 0.851115 lie inside the clip.
    dr(1)/dtheta = p (1 - p) / 0.5 = 0.488917 = -dr(0)/dtheta, and each token counts a third:
    -(1 * 0.488917 + 0.5 * 0.488917 + 2 * 0.488917) / 3 = -0.570403.
    Values are 0, returns 1, 2, 3: 0.1 * (-1 - 2 - 3) / 3 = -0.2 by weight and bias alike."""
    found = gradients("ppo", [[0.5, 0.5], [0.5, 1.0]], [[1.0, -0.5], [2.0, 0.0]])
    assert found == pytest.approx((-0.5704027, -0.2, -0.2), abs=1e-6)


def test_what_is_likelier_enough_adds_no_gradient() -> None:
    """The second answer had 0.4: r = 1.436 is beyond 1.2, its advantage positive. Left is
    -(1 * 0.488917 + 0.5 * 0.488917) / 3 = -0.244458."""
    found = gradients("ppo", [[0.5, 0.5], [0.4, 1.0]], [[1.0, -0.5], [2.0, 0.0]])
    assert found[0] == pytest.approx(-0.2444583, abs=1e-6)


def test_the_gradient_of_grpo() -> None:
    """On the policy that sampled (r = 1), p = 0.574443, q = 1 - p = 0.425557. Answers count a half each, the two
    tokens of the first a quarter each, with advantages 1 and -1: -(q / 4 - p / 4 - q / 2) = 0.25.
    KL, by log p of each token: ln(p / 0.5) and ln(q / 0.5), which is what a true gradient of KL(p | 0.5) has; with 0.04
    before it: 0.04 (3/4 q ln(p / 0.5) - p / 4 ln(q / 0.5)) = 0.0026980."""
    p = 1 / (1 + math.exp(-THETA))
    found = gradients("grpo", [[p, 1 - p], [p, 1.0]], [[1.0, 1.0], [-1.0, 0.0]])
    assert found == pytest.approx((0.2526980, 0.0, 0.0), abs=1e-6)
