"""The losses of single tokens and their gradients against numbers worked out on paper."""

from __future__ import annotations

import math

import pytest
import torch

from finetune.ppo.kl_control import next_coefficient
from finetune.ppo.losses import clipped_share, kl_k3, policy_loss, value_loss


@pytest.mark.parametrize(
    ("advantage", "ratio", "loss", "gradient"),
    [
        (2.0, 1.1, -2.2, -2.2),  # inside: -A r, and its derivative by log p is -A r too
        (2.0, 1.5, -2.4, 0.0),  # likelier enough already: -A (1 + 0.2)
        (2.0, 0.5, -1.0, -1.0),  # far below, where it has to come back from
        (-2.0, 0.9, 1.8, 1.8),
        (-2.0, 0.5, 1.6, 0.0),  # unlikelier enough already: -A (1 - 0.2)
        (-2.0, 1.5, 3.0, 3.0),
    ],
)
def test_clipping_stops_what_gains_and_lets_back_what_lost(
    advantage: float, ratio: float, loss: float, gradient: float
) -> None:
    log_prob = torch.tensor(math.log(ratio) - 1.0, dtype=torch.float64, requires_grad=True)
    old, weight = torch.tensor(-1.0, dtype=torch.float64), torch.tensor(advantage, dtype=torch.float64)
    found = policy_loss(log_prob, old, weight, clip=0.2)
    found.backward()  # type: ignore[no-untyped-call]
    assert float(found) == pytest.approx(loss, abs=1e-9)
    assert float(log_prob.grad or 0.0) == pytest.approx(gradient, abs=1e-9)
    assert float(clipped_share(log_prob.detach(), old, weight, 0.2)) == (1.0 if gradient == 0 else 0.0)


@pytest.mark.parametrize(
    ("value", "returned", "loss", "gradient"),
    [
        (0.6, 1.0, 0.08, -0.4),  # moved by 0.1 from 0.5: half of (0.6 - 1)^2
        (1.0, 0.0, 0.5, 1.0),  # moved too far, in the wrong way: half of 1, not of 0.7^2
        (1.0, 2.0, 0.845, 0.0),  # moved too far, in the right way: half of (0.7 - 2)^2, and no further
    ],
)
def test_a_value_moves_by_its_clip_alone(value: float, returned: float, loss: float, gradient: float) -> None:
    said = torch.tensor(value, dtype=torch.float64, requires_grad=True)
    old, wanted = (torch.tensor(one, dtype=torch.float64) for one in (0.5, returned))
    found = value_loss(said, old, wanted, clip=0.2)
    found.backward()  # type: ignore[no-untyped-call]
    assert float(found) == pytest.approx(loss, abs=1e-9)
    assert float(said.grad or 0.0) == pytest.approx(gradient, abs=1e-9)


def test_the_kl_estimate_of_grpo_is_never_negative() -> None:
    """The reference twice as likely: 2 - ln 2 - 1 = 0.306853; half as likely: 0.5 + ln 2 - 1 = 0.193147."""
    found = kl_k3(
        torch.tensor([-2.0, -2.0, -2.0]), torch.tensor([-2.0 + math.log(2), -2.0 - math.log(2), -2.0])
    )
    assert found.tolist() == pytest.approx([0.306853, 0.193147, 0.0], abs=1e-6)


@pytest.mark.parametrize(
    ("kl", "wanted"),
    [
        (6.6, 0.101),  # e = 0.1: 0.1 (1 + 0.1 / 10)
        (9.0, 0.102),  # e = 0.5 says no more than 0.2
        (3.0, 0.098),  # e = -0.5 says no more than -0.2
        (6.0, 0.1),
    ],
)
def test_the_coefficient_follows_the_kl(kl: float, wanted: float) -> None:
    assert next_coefficient(0.1, kl, target=6.0, horizon=10.0) == pytest.approx(wanted, abs=1e-12)
    assert next_coefficient(0.1, kl, target=None, horizon=10.0) == 0.1
