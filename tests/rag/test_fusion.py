from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.fusion import fuse_ranks, fuse_scores, ranked


def test_an_item_that_both_legs_rank_first_comes_first() -> None:
    assert ranked(fuse_ranks([[1, 2, 3], [1, 3]], [1, 1]))[0][0] == 1
    assert ranked(fuse_scores([{1: 0.9, 2: 0.5}, {1: 7.0, 3: 2.0}], [1, 1]))[0] == (1, 1.0)


def test_a_leg_of_weight_zero_adds_nothing() -> None:
    assert fuse_ranks([[1], [2]], [0, 1]).keys() == {2}
    assert fuse_scores([{1: 0.9}, {2: 3.0}], [0, 1]).keys() == {2}


def test_equal_scores_keep_the_order_of_the_collection() -> None:
    assert [item for item, _ in ranked({5: 0.5, 2: 0.5, 9: 0.7})] == [9, 2, 5]


@given(st.lists(st.dictionaries(st.integers(0, 20), st.floats(-5, 50)), min_size=2, max_size=2))
def test_fused_scores_stay_between_zero_and_one(legs: list[dict[int, float]]) -> None:
    for score in fuse_scores(legs, [0.5, 0.5]).values():
        assert -1e-9 <= score <= 1 + 1e-9
    assert fuse_scores(legs, [0.5, 0.5]) == pytest.approx(fuse_scores(legs, [2, 2]))
