"""A question measures or teaches for good, and what is missing is said in figures."""

from __future__ import annotations

import pytest

from apps.feedback import Feedback
from apps.feedback_sides import choose, divide, is_held_out
from apps.numbers_of import numbers_of


def corrections(count: int) -> list[Feedback]:
    return [
        Feedback(question=f"Why {n}?", answer="No.", thumb="down", correction=f"Because of {n}.")
        for n in range(count)
    ]


def thumbs(likes: int, dislikes: int) -> list[Feedback]:
    up = [Feedback(question=f"Why {n}?", answer=f"Because of {n}.", thumb="up") for n in range(likes)]
    return up + [Feedback(question=f"How {n}?", answer=f"Like {n}.", thumb="down") for n in range(dislikes)]


def test_a_question_stays_on_its_side_however_it_is_spelt_and_whatever_comes_later() -> None:
    asked = [f"What is item {n}?" for n in range(1000)]
    held = {question for question in asked if is_held_out(question)}
    assert held == {question for question in reversed(asked) if is_held_out(question.upper() + " !")}
    assert 150 < len(held) < 250  # a fifth
    few, many = divide(corrections(40), "dpo"), divide(corrections(80), "dpo")
    assert {one.question for one in few.held_out} <= {one.question for one in many.held_out}


def test_no_held_out_question_is_learned() -> None:
    sides = divide([*corrections(60), *corrections(60), *thumbs(60, 0)], "dpo")
    learned = {row["prompt"][-1]["content"] for row in sides.learned.rows}
    assert not any(is_held_out(question) for question in learned) and len(learned) + sides.questions == 60
    assert (sides.report.read, sides.report.duplicates, len(sides.keys)) == (180, 60, 60)


def test_pairs_are_preferred_to_thumbs_until_thumbs_are_many_times_as_many() -> None:
    assert choose(corrections(60)).kind == "dpo"
    assert choose(thumbs(70, 70)).kind == "kto"
    both = [*corrections(60), *thumbs(100, 100)]
    assert choose(both).kind == "dpo" and choose(both, "kto").kind == "kto"
    assert choose([*corrections(60), *thumbs(400, 300)]).kind == "kto"


def test_what_is_missing_is_counted_for_both_ways() -> None:
    with pytest.raises(ValueError, match=r"^The feedback is too little .* nothing was changed\.$") as told:
        choose(thumbs(90, 4))
    said = str(told.value)
    assert "for DPO there are 0 pairs of answers (40 needed), 0 held-out questions (10 needed)" in said
    assert "for KTO there are" in said and "disliked answers (10 needed)" in said and "\n" not in said
    with pytest.raises(ValueError) as asked:
        choose(corrections(20), "dpo")
    assert "KTO" not in str(asked.value)


def test_nine_of_ten_held_out_questions_must_agree() -> None:
    """The reason that improve.toml gives for its fewest questions, worked out."""
    from math import comb

    from finetune.preference_gain import pair_share

    count = int(numbers_of("improve")["held_out"]["fewest_questions"])
    names = [str(n) for n in range(count)]
    exact = {right: sum(comb(count, n) for n in range(right, count + 1)) / 2**count for right in (8, 9)}
    assert (round(exact[8], 3), round(exact[9], 3)) == (0.055, 0.011)
    low = {right: pair_share(names, [1.0] * right + [-1.0] * (count - right))["low"] for right in (8, 9)}
    assert low[8] <= 0.5 < low[9]
