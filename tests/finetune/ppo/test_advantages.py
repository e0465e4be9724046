"""Rewards of tokens, advantages and their scales against numbers worked out on paper."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from finetune.ppo.advantages import gae, group_advantages, standardised, token_rewards, whiten


def near(found: Tensor, wanted: list[object]) -> bool:
    return torch.allclose(found, torch.tensor(wanted), atol=1e-6)


def test_leaving_the_reference_costs_and_the_score_stands_at_the_last_token() -> None:
    """-0.1 (-1 + 1.5) = -0.05; -0.1 (-2 + 1) + 2 = 2.1; the second answer has one token: -0.1 (-3 + 2) - 1 = -0.9."""
    log_probs, reference = (
        torch.tensor([[-1.0, -2.0], [-3.0, 7.0]]),
        torch.tensor([[-1.5, -1.0], [-2.0, 0.0]]),
    )
    mask = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    found = token_rewards(torch.tensor([2.0, -1.0]), log_probs, reference, mask, kl=0.1)
    assert near(found, [[-0.05, 2.1], [-0.9, 0.0]])


def test_gae_of_three_tokens_and_of_two_beside_padding() -> None:
    """gamma 0.9, lambda 0.5. First answer: delta_3 = 1 - 0.6 = 0.4; delta_2 = 0.9 * 0.6 - 0.4 = 0.14, and
    A_2 = 0.14 + 0.45 * 0.4 = 0.32; delta_1 = 0.9 * 0.4 - 0.2 = 0.16, and A_1 = 0.16 + 0.45 * 0.32 = 0.304.
    Second: A_2 = 2 + 0.5 = 2.5; delta_1 = 1 - 0.9 * 0.5 - 0.5 = 0.05, and A_1 = 0.05 + 0.45 * 2.5 = 1.175."""
    rewards = torch.tensor([[0.0, 0.0, 1.0], [1.0, 2.0, 5.0]])
    values = torch.tensor([[0.2, 0.4, 0.6], [0.5, -0.5, 9.0]])
    mask = torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    advantages, returns = gae(rewards, values, mask, gamma=0.9, lambda_=0.5)
    assert near(advantages, [[0.304, 0.32, 0.4], [1.175, 2.5, 0.0]])
    assert near(returns, [[0.504, 0.72, 1.0], [1.675, 2.0, 0.0]])


@pytest.mark.parametrize(("lambda_", "first"), [(1.0, 0.9 * 0.9 * 1.0 - 0.2), (0.0, 0.9 * 0.4 - 0.2)])
def test_lambda_looks_to_the_end_or_to_the_next_value_alone(lambda_: float, first: float) -> None:
    rewards, values = torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([[0.2, 0.4, 0.6]])
    advantages, _ = gae(rewards, values, torch.ones(1, 3), gamma=0.9, lambda_=lambda_)
    assert float(advantages[0, 0]) == pytest.approx(first, abs=1e-6)


def test_a_group_is_compared_with_itself_and_one_of_equals_teaches_nothing() -> None:
    """Rewards 1 and 3: mean 2, standard deviation sqrt(2), so -+ 1 / (1.414214 + 0.0001) = -+ 0.707057."""
    assert near(group_advantages(torch.tensor([1.0, 3.0, 5.0, 5.0]), 2), [-0.707057, 0.707057, 0.0, 0.0])


def test_whitening_leaves_padding_alone() -> None:
    """1, 2, 3: mean 2, variance 1. Twice as far apart with mean 4: the mean stays where it is asked to."""
    values, mask = torch.tensor([[1.0, 2.0], [3.0, 50.0]]), torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    assert near(whiten(values, mask), [[-1.0, 0.0], [1.0, 0.0]])
    assert near(whiten(values * 2, mask, keep_mean=True), [[3.0, 4.0], [5.0, 0.0]])


def test_scores_of_a_step_on_one_scale() -> None:
    """2, 4, 6: mean 4, standard deviation 2."""
    found = standardised(torch.tensor([2.0, 4.0, 6.0]))
    assert torch.allclose(found, torch.tensor([-1.0, 0.0, 1.0]), atol=1e-4)
    assert standardised(torch.tensor([7.0])).tolist() == [7.0]
