"""Scores of a search."""

from __future__ import annotations

import pytest

from finetune.embed_scores import search_scores


def test_the_first_place_is_worth_all() -> None:
    assert set(search_scores([4, 1, 2], {4}).values()) == {1.0}


def test_a_third_place_by_hand() -> None:
    found = search_scores([1, 2, 4], {4})
    assert found == {"ndcg_at_10": 0.5, "mrr_at_10": pytest.approx(1 / 3), "recall_at_1": 0.0}


def test_two_right_passages_are_measured_against_the_best_order() -> None:
    assert search_scores([1, 5, 2], {1, 2})["ndcg_at_10"] == pytest.approx(1.5 / (1 + 0.6309297535714575))


def test_beyond_the_tenth_place_nothing_counts() -> None:
    assert not any(search_scores([*range(10), 42], {42}).values())
