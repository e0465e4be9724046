"""Answers are scored as SQuAD 2.0 does; the figures were worked out by hand."""

from __future__ import annotations

import pytest

from finetune.span_scores import Said, best_threshold, exact, f1, judged, summary


@pytest.mark.parametrize(
    ("said", "gold", "same", "shared"),
    [
        ("The Old Mill.", "old mill", 1.0, 1.0),  # case, article, full stop
        ("near the old mill", "old mill", 0.0, 4 / 5),  # 2 of 3 and 2 of 2 words
        ("in 1901", "1850", 0.0, 0.0),
        ("red red blue", "red", 0.0, 0.5),  # a word counts as often as both have it
        ("", "mill", 0.0, 0.0),
        ("$1,850", "1850", 1.0, 1.0),  # marks between digits fall away, as in SQuAD's script
        ("the", "a", 1.0, 1.0),  # nothing is left of either
        ("北京大学", "北京", 0.0, 2 / 3),  # 2 of 4 and 2 of 2 characters
        ("《北京》", "北京。", 1.0, 1.0),
    ],
)
def test_words_are_compared_without_case_marks_and_articles(
    said: str, gold: str, same: float, shared: float
) -> None:
    assert exact(said, gold) == same and f1(said, gold) == pytest.approx(shared)


def test_the_nearest_gold_answer_counts() -> None:
    found = judged("old mill", 1.0, ["mill", "the old mill"])
    assert (found.em, found.f1, found.answerable) == (1.0, 1.0, True)
    assert judged("old mill", 1.0, []) == Said(score=1.0, em=0.0, f1=0.0, answerable=False)


FOUND = [
    Said(score=4.0, em=1.0, f1=1.0, answerable=True),
    Said(score=2.0, em=0.0, f1=0.5, answerable=True),
    Said(score=1.0, em=0.0, f1=0.0, answerable=False),
    Said(score=-3.0, em=0.0, f1=0.0, answerable=False),
]


def test_a_question_without_answer_is_right_when_none_is_said() -> None:
    found = summary(FOUND, threshold=1.5)
    assert (found["em"], found["f1"]) == (2 / 4, 2.5 / 4)
    assert (found["em_at_threshold"], found["f1_at_threshold"]) == (3 / 4, 3.5 / 4)
    assert (found["answerable_f1"], found["unanswerable_share"]) == (0.75, 0.5)


def test_the_best_threshold_lies_between_two_scores() -> None:
    assert best_threshold(FOUND) == 1.5


def test_where_all_have_answers_or_none_has_the_threshold_lies_outside() -> None:
    answerable = [one for one in FOUND if one.answerable]
    assert best_threshold(answerable) < 2.0
    assert best_threshold([one for one in FOUND if not one.answerable]) > 1.0


def test_equal_scores_fall_on_one_side() -> None:
    tied = [
        Said(score=1.0, em=1.0, f1=1.0, answerable=True),
        Said(score=1.0, em=0.0, f1=0.0, answerable=False),
    ]
    assert best_threshold([*tied, Said(score=0.0, em=1.0, f1=1.0, answerable=True)]) < 0.0
