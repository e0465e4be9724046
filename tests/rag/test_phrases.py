from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rag.keyword import build_keyword, index_terms
from rag.phrases import Asked, Texts, share_of_pairs, share_of_words


def asked(words: list[int], rarities: list[float] | None = None) -> Asked:
    return Asked(np.array(words), np.array(rarities or [1.0] * len(words)))


def texts_of(*texts: list[int]) -> Texts:
    return Texts.of([np.array(text, dtype=np.int64) for text in texts])


def shares(function, words: list[int], *texts: list[int]) -> list[float]:  # type: ignore[no-untyped-def]
    return [round(float(x), 3) for x in function(asked(words), texts_of(*texts))]


def test_words_in_the_order_of_the_question_count_wherever_they_stand() -> None:
    assert shares(share_of_pairs, [1, 2, 3], [9, 1, 2, 3], [3, 2, 1], [1, 9, 2], [1, 8, 9, 2]) == [
        1,
        0,
        0.5,
        0,
    ]


def test_a_word_that_no_text_holds_counts_in_the_whole() -> None:
    assert shares(share_of_words, [1, -1], [1, 5], [5]) == [0.5, 0]
    assert shares(share_of_pairs, [1, 2, -1], [1, 2]) == [0.5]


def test_rare_words_weigh_more() -> None:
    rare = share_of_words(asked([1, 2], [3.0, 1.0]), texts_of([1], [2]))
    assert rare.tolist() == [0.75, 0.25]


def test_no_pair_reaches_from_one_text_into_the_next() -> None:
    assert shares(share_of_pairs, [1, 2], [9, 1], [2, 9]) == [0, 0]


def test_a_question_of_one_word_has_no_pairs() -> None:
    assert shares(share_of_pairs, [1], [1], []) == [0, 0]


def test_the_index_tells_the_phrase_from_the_same_words_apart() -> None:
    texts = ["the interest rate of the bank rose", "the rate of those with interest in the bank", "nothing"]
    index = build_keyword([index_terms(text) for text in texts])
    phrase, scattered, none = index.pairs_met("interest rate", [0, 1, 2])
    assert phrase == 1 and scattered == none == 0
    assert index.words_met("interest rate", [0, 1, 2]).tolist() == [1, 1, 0]
    assert index.words_met("unheard-of", [0]).tolist() == [0]


@given(st.lists(st.integers(-1, 5), min_size=1), st.lists(st.lists(st.integers(0, 5))))
def test_shares_stay_between_zero_and_one(words: list[int], texts: list[list[int]]) -> None:
    for function in (share_of_words, share_of_pairs):
        assert all(0 <= share <= 1 + 1e-9 for share in function(asked(words), texts_of(*texts)))
