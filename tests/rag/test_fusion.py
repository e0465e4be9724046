from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.fusion import DENSE_WEIGHT, combine, fuse_ranks, ranked, trust

SCORES = st.dictionaries(st.integers(0, 20), st.floats(-5, 50), min_size=1)


def test_an_item_that_both_legs_rank_first_comes_first() -> None:
    assert ranked(fuse_ranks([[1, 2, 3], [1, 3]], [1, 1]))[0][0] == 1
    fused = combine({1: 0.9, 2: 0.5, 3: 0.4}, {1: 7.0, 2: 0.0, 3: 2.0}, {}, ([0.9, 0.5], [7.0, 2.0]), 0.5)
    assert ranked(fused)[0][0] == 1


def test_a_leg_of_weight_zero_adds_nothing() -> None:
    assert fuse_ranks([[1], [2]], [0, 1]).keys() == {2}
    fused = combine({1: 0.9, 2: 0.1}, {1: 0.0, 2: 3.0}, {}, ([0.9, 0.1], [3.0]), 0.0)
    assert ranked(fused)[0] == (2, fused[2]) and fused[1] == 0.0


def test_an_item_that_a_leg_missed_gets_its_true_place_in_it() -> None:
    dense = {1: 0.9, 2: 0.5, 3: 0.48}  # 3 fell just behind the two that the leg returned
    fused = combine(dense, {1: 0.0, 2: 0.0, 3: 6.0}, {}, ([0.9, 0.5], [6.0]), 0.5)
    assert ranked(fused)[0][0] in (1, 3) and fused[3] > fused[2]


def test_words_side_by_side_decide_between_equals() -> None:
    fused = combine({1: 0.8, 2: 0.8}, {1: 4.0, 2: 4.0}, {2: 1.0}, ([0.8, 0.8], [4.0, 4.0]), 0.5)
    assert [item for item, _ in ranked(fused)] == [2, 1]


def test_equal_scores_keep_the_order_of_the_collection() -> None:
    assert [item for item, _ in ranked({5: 0.5, 2: 0.5, 9: 0.7})] == [9, 2, 5]


def test_a_leg_that_cannot_read_the_query_is_left_out_unless_words_fail_too() -> None:
    assert trust(0.0, 0.9, any_keyword=True).dense == DENSE_WEIGHT
    assert trust(0.7, 0.9, any_keyword=True).weights == {"keyword": 1.0}
    assert "does not know 70% of the query's tokens" in trust(0.7, 0.9, any_keyword=True).reason
    assert 0 < trust(0.7, 0.1, any_keyword=True).dense < DENSE_WEIGHT
    assert trust(0.0, 0.0, any_keyword=False).dense == 1.0


@given(SCORES, SCORES, st.floats(0, 1))
def test_fused_scores_stay_between_zero_and_one(
    dense: dict[int, float], keyword: dict[int, float], weight: float
) -> None:
    pairs = dict.fromkeys(dense.keys() | keyword.keys(), 1.0)
    found = (list(dense.values())[:3], list(keyword.values())[:3])
    for score in combine(dense, keyword, pairs, found, weight).values():
        assert -1e-9 <= score <= 1 + 1e-9
