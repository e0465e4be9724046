"""How far a judge agrees with people, against numbers worked out on paper."""

from __future__ import annotations

from pathlib import Path

import pytest
from judging_fakes import judge_by, prefers_short

from apps.feedback import Feedback, add_feedback, read_feedback
from apps.judge import Limit
from apps.judge_agreement import Judged, agreement_with_people, measure
from apps.kept_lines import kept_lines
from finetune.schema import AdapterCard

LIMIT = Limit(max_unread=0.3, fewest=10)


def thumb(answer: str, liked: bool, question: str = "When?", **more: object) -> Feedback:
    return Feedback(question=question, answer=answer, thumb="up" if liked else "down", **more)  # type: ignore[arg-type]


def judged(human: str, judge: str, times: int, question: str = "") -> list[Judged]:
    return [
        Judged(question=question or f"{human} {judge} {n}", human=human, judge=judge) for n in range(times)
    ]


def test_kappa_is_that_of_the_textbook_table() -> None:
    """50 grants: both yes 20, both no 15, one alone 5 and 10: share .7, chance .5 * .6 + .5 * .4 = .5, kappa .4."""
    rows = [
        *judged("first", "first", 20),
        *judged("first", "second", 5),
        *judged("second", "first", 10),
        *judged("second", "second", 15),
    ]
    found = measure("thumbs", rows, unread=2)
    assert (found.share, found.rows, found.unread) == (0.7, 50, 2)
    assert found.kappa == pytest.approx(0.4)
    assert found.share_low == pytest.approx(0.58, abs=0.03) and found.share_high == pytest.approx(
        0.82, abs=0.03
    )
    assert found.kappa_low is not None and found.kappa_high is not None
    assert 0.1 < found.kappa_low < 0.4 < found.kappa_high < 0.7


def test_a_judge_that_never_decides_has_a_kappa_of_none_or_below() -> None:
    rows = [*judged("first", "neither", 5), *judged("second", "neither", 5)]
    assert (measure("pairs", rows, 0).share, measure("pairs", rows, 0).kappa) == (0.0, 0.0)
    assert measure("thumbs", judged("first", "first", 5), 0).kappa is None  # chance alone agrees


def test_answers_to_one_question_are_drawn_together() -> None:
    """Two questions, one right and one wrong ten times: whatever is drawn, the share is 0, a half or 1."""
    rows = [*judged("first", "first", 10, "a"), *judged("first", "second", 10, "b")]
    found = measure("thumbs", rows, 0)
    assert (found.share, found.share_low, found.share_high, found.questions) == (0.5, 0.0, 1.0, 2)


def test_a_judge_is_compared_with_the_thumbs_of_a_store(tmp_path: Path) -> None:
    """It likes short answers and people like cited ones: they agree on the second question alone."""
    store = tmp_path / "feedback.sqlite3"
    for row in (
        thumb("At nine [1].", True),
        thumb("Nine.", False),
        thumb("Yes [1].", True, question="Open?"),
        thumb("It is, I guess.", False, question="Open?"),
    ):
        add_feedback(store, row)

    def say(content: str) -> str:
        if '<answer id="A"' in content:
            return prefers_short(content)
        return "Verdict: up" if "[1]" in content else "Verdict: down"

    with kept_lines(tmp_path / "kept") as kept:
        thumbs, pairs = agreement_with_people(
            read_feedback(store), judge_by(say)[0], kept, LIMIT, lambda *told: None
        )
        assert (thumbs.share, thumbs.kappa, thumbs.rows) == (1.0, 1.0, 4)
        assert (pairs.share, pairs.rows) == (0.5, 2)
        judge, generator = judge_by(say)
        agreement_with_people(read_feedback(store), judge, kept, LIMIT, lambda *told: None)
        assert generator.asked == []


class Lengths:
    """Scores an answer by its length, as a reward model would."""

    def score(self, rows: list[list[dict[str, str]]]) -> list[float]:
        return [float(len(row[-1]["content"])) for row in rows]


def test_a_reward_model_ranks_and_does_not_grade(tmp_path: Path) -> None:
    from apps.judges import ScoringJudge
    from finetune.adapters import write_card

    card = AdapterCard(
        base_model="b", base_hash="h", method="full", objective="reward", trainable_params=1, total_params=1,
        rows=1, data_hash="d", metrics_before={}, metrics_after={}, config={}, libraries={}, created="now",
    )  # fmt: skip
    write_card(card, tmp_path)
    judge = ScoringJudge(Lengths(), tmp_path)  # type: ignore[arg-type]
    assert judge.compare([], "Nine.", "At nine.").outcome == "second"
    assert judge.compare([], "Nine.", "Nine!").outcome == "tie" and judge.grade([], "Nine.") is None
    feedback = [thumb("At nine.", True), thumb("Nine.", False)]
    with kept_lines(None) as kept:
        (pairs,) = agreement_with_people(feedback, judge, kept, LIMIT, lambda *told: None)
        assert (pairs.of, pairs.share) == ("pairs", 1.0)
        with pytest.raises(ValueError, match="None of 1 thumbs has a counterpart"):
            agreement_with_people(feedback[:1], judge, kept, LIMIT, lambda *told: None)
        with pytest.raises(ValueError, match="feedback store is empty"):
            agreement_with_people([], judge, kept, LIMIT, lambda *told: None)
