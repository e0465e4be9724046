import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.budget import GAP, best_sentences, edges, estimate_tokens, fitting, recent_turns


def words(text: str) -> int:
    return len(text.split())


def test_the_best_stand_at_the_edges_and_the_weakest_in_the_middle() -> None:
    assert edges(6) == [0, 2, 4, 5, 3, 1]
    assert edges(3) == [0, 2, 1]
    assert (edges(1), edges(0)) == ([0], [])


@given(st.integers(0, 50))
def test_edges_lose_nothing(count: int) -> None:
    assert sorted(edges(count)) == list(range(count))


def test_the_weakest_are_dropped_and_the_first_that_does_not_fit_is_trimmed() -> None:
    texts = ["one two three", "Cats sleep. Dogs bark loudly.", "six seven"]
    assert fitting(texts, [1, 1, 1], 7, words, "dogs") == {0: "one two three"}
    assert fitting(texts, [1, 1, 1], 9, words, "Which dogs?") == {0: "one two three", 1: "Dogs bark loudly."}
    assert fitting(texts, [1, 1, 1], 11, words, "dogs") == dict(enumerate(texts[:2]))
    assert fitting(texts, [1, 1, 1], 100, words, "dogs") == dict(enumerate(texts))


def test_sentences_that_share_words_with_the_question_are_kept_in_order() -> None:
    text = "Rain fell. The fee is ten euros. Birds sang. A fee is due in May."
    assert (
        best_sentences(text, 12, words, "When is the fee due?")
        == f"The fee is ten euros.{GAP}A fee is due in May."
    )


def test_chinese_is_cut_at_its_sentences() -> None:
    text = "天气很好。退款期限为三十天。公园开放。"
    assert best_sentences(text, 9, len, "退款期限多长？") == "退款期限为三十天。"


def test_history_loses_its_oldest_turns_and_begins_with_the_user() -> None:
    turns = [{"role": role, "content": f"{role} {n}"} for n in (1, 2, 3) for role in ("user", "assistant")]
    kept = recent_turns(turns, room=3 * 10, count=words)
    assert [turn["content"] for turn in kept] == ["user 3", "assistant 3"]
    assert recent_turns(turns, room=1000, count=words) == turns
    assert recent_turns(turns, room=0, count=words) == []


@pytest.mark.parametrize(
    ("text", "least"), [("The refund window is thirty days.", 7), ("退款期限为三十天。", 9), ("", 0)]
)
def test_an_estimate_is_no_less_than_the_words(text: str, least: int) -> None:
    assert estimate_tokens(text) >= least
