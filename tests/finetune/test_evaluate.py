"""Scores, worked out by hand."""

from __future__ import annotations

import pytest

from finetune.evaluate import accuracy, macro_f1, majority_accuracy

GOLD, PREDICTED = ["a", "a", "b", "c"], ["a", "b", "b", "b"]


def test_accuracy_is_the_share_that_is_right() -> None:
    assert accuracy(GOLD, PREDICTED) == 0.5


def test_macro_f1_weighs_each_label_alike() -> None:
    # a: 2·1/(2+1) = 2/3; b: 2·1/(1+3) = 1/2; c: never predicted, 0
    assert macro_f1(GOLD, PREDICTED) == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)


def test_the_majority_is_that_of_the_training_rows() -> None:
    assert majority_accuracy(["b", "b", "a"], GOLD) == 0.25
    assert majority_accuracy(["b", "a"], GOLD) == 0.5
