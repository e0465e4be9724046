"""A gain is told from chance by resampling the same rows before and after."""

from __future__ import annotations

import math

import numpy as np
import pytest

from finetune.evaluate import macro_f1
from finetune.gains import RowScores, compare, is_gain


def scores(values: list[float]) -> RowScores:
    return RowScores(means={"exact_match": values})


def test_a_gain_on_most_rows_is_one_and_a_few_hits_are_not() -> None:
    before = scores([0.0] * 40)
    clear = compare(before, scores([1.0] * 30 + [0.0] * 10))["exact_match"]
    assert clear["difference"] == 0.75 and is_gain("exact_match", clear)
    chance = compare(before, scores([1.0] + [0.0] * 39))["exact_match"]
    assert chance["low"] == 0 and not is_gain("exact_match", chance)


def test_the_interval_is_that_of_the_mean_difference() -> None:
    # Differences of 1 and 0, half and half: the standard error of their mean over 100 rows is .05.
    found = compare(scores([0.0] * 100), scores([0.0, 1.0] * 50))["exact_match"]
    assert (found["low"], found["high"]) == pytest.approx((0.5 - 1.96 * 0.05, 0.5 + 1.96 * 0.05), abs=0.01)


def test_rows_are_paired() -> None:
    # Rows differ widely among one another, but each gains the same.
    before = [row / 10 for row in range(20)]
    found = compare(scores(before), scores([value + 0.05 for value in before]))["exact_match"]
    assert (found["low"], found["high"]) == pytest.approx((0.05, 0.05))


def test_the_same_scores_give_the_same_interval() -> None:
    random = np.random.default_rng(0)
    pair = scores(random.random(40).tolist()), scores(random.random(40).tolist())
    assert compare(*pair, seed=3) == compare(*pair, seed=3) != compare(*pair, seed=4)


def test_a_loss_weighs_rows_by_their_tokens_and_gains_by_falling() -> None:
    before = RowScores(losses=[2.0, 4.0, 2.0], tokens=[10, 30, 10])
    after = RowScores(losses=[1.0, 3.0, 1.0], tokens=[10, 30, 10])
    found = compare(before, after)["loss"]
    assert (found["before"], found["after"]) == pytest.approx((160 / 50, 110 / 50))
    assert found["high"] < 0 and is_gain("loss", found)
    perplexity = compare(before, after)["perplexity"]
    assert perplexity["after"] == pytest.approx(math.exp(found["after"])) and is_gain(
        "perplexity", perplexity
    )


def test_macro_f1_is_that_of_the_other_scorer() -> None:
    random = np.random.default_rng(0)
    gold = [str(label) for label in random.integers(0, 3, 60)]
    first, second = ([str(label) for label in random.integers(0, 3, 60)] for _ in range(2))
    found = compare(RowScores(gold=gold, predicted=first), RowScores(gold=gold, predicted=second))["macro_f1"]
    assert found["before"] == pytest.approx(macro_f1(gold, first))
    assert found["after"] == pytest.approx(macro_f1(gold, second))
    assert found["low"] < found["difference"] < found["high"]


def test_a_single_row_has_no_interval_and_no_rows_have_nothing() -> None:
    alone = compare(scores([0.0]), scores([1.0]))["exact_match"]
    assert "low" not in alone and not is_gain("exact_match", alone)
    assert compare(RowScores(), RowScores()) == {}
