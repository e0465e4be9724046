"""Shares of pairs and thumbs by hand, and an interval that counts questions and not rows."""

from __future__ import annotations

import pytest

from finetune.preference_gain import pair_difference, pair_share, thumb_difference, thumb_share


def test_the_share_of_pairs_counts_ties_half() -> None:
    found = pair_share(["a", "b", "c", "d"], [0.5, -2.0, 0.0, 1.0])
    assert found["value"] == (1 + 0 + 0.5 + 1) / 4 and (found["rows"], found["questions"]) == (4, 4)


def test_the_share_of_thumbs_is_the_share_of_liked_and_disliked_in_order() -> None:
    # Liked 3 and 1, disliked 2 and 1: in order are 3>2, 3>1; 1 ties 1; 1<2 is out of order.
    found = thumb_share("abcd", [True, True, False, False], [3.0, 1.0, 2.0, 1.0])
    assert found["value"] == (1 + 1 + 0.5 + 0) / 4
    shifted = thumb_share("abcd", [True, True, False, False], [-7.0, -9.0, -8.0, -9.0])
    assert shifted["value"] == found["value"]


def test_thumbs_of_one_kind_have_no_order() -> None:
    with pytest.raises(ValueError, match="one kind alone"):
        thumb_share("ab", [True, True], [1.0, 2.0])


def test_more_rows_about_the_same_questions_make_no_narrower_interval() -> None:
    few = pair_share([str(at) for at in range(12)], [1.0] * 8 + [-1.0] * 4)
    many = pair_share([str(at % 12) for at in range(120)], ([1.0] * 8 + [-1.0] * 4) * 10)
    assert many["value"] == few["value"] and (few["low"], few["high"]) == (many["low"], many["high"])
    wide = pair_share([str(at) for at in range(120)], ([1.0] * 8 + [-1.0] * 4) * 10)
    assert wide["high"] - wide["low"] < 0.5 * (few["high"] - few["low"])


def test_one_question_has_no_interval() -> None:
    assert "low" not in pair_share(["a", "a"], [1.0, 2.0])


def test_a_reversed_preference_is_as_far_below_chance_as_it_was_above() -> None:
    margins = [1.0] * 9 + [-1.0]
    questions = [str(at) for at in range(10)]
    forward, backward = pair_share(questions, margins), pair_share(questions, [-one for one in margins])
    assert forward["value"] == pytest.approx(1 - backward["value"])
    assert forward["low"] > 0.5 > backward["high"]


def test_differences_draw_the_same_questions_before_and_after() -> None:
    before, after = [1.0, -1.0] * 10, [1.0, 1.0] * 10
    found = pair_difference([str(at) for at in range(20)], before, after)
    assert (found["before"], found["after"], found["value"]) == (0.5, 1.0, 0.5) and found["low"] > 0.2
    same = pair_difference([str(at) for at in range(20)], before, before)
    assert (same["value"], same["low"], same["high"]) == (0, 0, 0)
    liked = [True, False] * 10
    thumbs = thumb_difference([str(at) for at in range(20)], liked, [0.0] * 20, [float(up) for up in liked])
    assert (thumbs["before"], thumbs["after"], thumbs["low"]) == (0.5, 1.0, 0.5)
