"""Feedback becomes rows to train on: every row of it is counted once, and what contradicts itself is left out."""

from __future__ import annotations

import random
from typing import Any

import pytest

from apps.feedback import Feedback
from apps.preferences import Preferences, preferences
from rag.prompt import build_messages, refusal
from rag.schema import Chunk, Hit

SOURCE = {"source": "terms.md", "page": 3, "heading": "Refunds", "start": 0, "end": 33, "score": 0.9,
          "text": "The refund window is thirty days."}  # fmt: skip
KINDS = ("kto", "dpo", "sft")


def said(answer: str, thumb: Any = "up", *, question: str = "How long?", **more: Any) -> Feedback:
    return Feedback(question=question, answer=answer, thumb=thumb, **more)


def pairs(found: Preferences) -> list[tuple[str, str]]:
    return [(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in found.rows]


def thumbs(found: Preferences) -> list[tuple[str, bool]]:
    return [(row["completion"][0]["content"], row["label"]) for row in found.rows]


def why(found: Preferences) -> dict[str, int]:
    return {
        f"{count}: {reason}": number
        for count in ("duplicates", "contradictions", "unusable")
        for reason, number in found.report.reasons.get(count, {}).items()
    }


def test_thumbs_make_kto_rows_and_two_answers_make_a_pair() -> None:
    rows = [said("Thirty days."), said("Sixty days.", "down")]
    assert thumbs(preferences(rows, "kto")) == [("Thirty days.", True), ("Sixty days.", False)]
    assert pairs(preferences(rows, "dpo")) == [("Thirty days.", "Sixty days.")]
    assert [row["messages"][-1]["content"] for row in preferences(rows, "sft").rows] == ["Thirty days."]


def test_a_correction_is_better_than_the_answer_and_worth_learning() -> None:
    rows = [said("Sixty days.", "down", correction="Thirty days.")]
    assert pairs(preferences(rows, "dpo")) == [("Thirty days.", "Sixty days.")]
    assert preferences(rows, "sft").rows[0]["messages"][-1]["content"] == "Thirty days."
    assert thumbs(preferences(rows, "kto")) == [("Sixty days.", False)]


def test_the_prompt_is_the_one_that_the_generator_saw() -> None:
    history = ({"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi."})
    row = said("Thirty days. [1]", hits=(SOURCE,), history=history)
    chunk = Chunk(source="terms.md", text=SOURCE["text"], start=0, end=33, page=3, heading="Refunds")  # type: ignore[arg-type]
    seen = build_messages("How long?", [Hit(chunk=chunk, score=0.9, rank=1)], history)
    assert preferences([row], "kto").rows[0]["prompt"] == seen
    messages = preferences([row], "sft").rows[0]["messages"]
    assert [turn.get("weight") for turn in messages] == [None, None, 0, None, None]
    closed = said("Thirty days.", history=history)
    assert preferences([closed], "kto").rows[0]["prompt"] == build_messages("How long?", (), history)


def test_without_context_the_question_stands_alone_and_the_marks_are_gone() -> None:
    row = said("Thirty days. [1] Keep it.[2]", hits=(SOURCE,))
    [found] = preferences([row], "kto", context=False).rows
    assert found["prompt"] == [{"role": "user", "content": "How long?"}]
    assert found["completion"][0]["content"] == "Thirty days. Keep it."


def test_a_prompt_is_shortened_as_at_work() -> None:
    long = SOURCE | {"text": "The window is thirty days. " * 400}
    [row] = preferences([said("Thirty. [1]", hits=(long,))], "kto", prompt_tokens=300).rows
    assert len(row["prompt"][-1]["content"]) < 1_500 and "Question: How long?" in row["prompt"][-1]["content"]


def test_the_last_thumb_on_an_answer_holds() -> None:
    rows = [said("Yes.", "down", answer_id="a"), said("Yes.", "up", answer_id="a")]
    found = preferences(rows, "kto")
    assert thumbs(found) == [("Yes.", True)]
    assert why(found) == {"duplicates: a later thumb on the same answer holds": 1}


def test_the_majority_decides_and_a_tie_says_nothing() -> None:
    rows = [said("A"), said("A"), said("A", "down"), said("B"), said(" B ", "down")]
    found = preferences(rows, "kto")
    assert thumbs(found) == [("A", True)]
    assert why(found) == {
        "duplicates: the same answer with the same thumb": 1,
        "contradictions: outvoted by other thumbs on the same answer": 1,
        "contradictions: as many people like the answer as dislike it": 2,
    }
    assert (found.report.duplicates, found.report.contradictions, found.report.taken) == (1, 3, 1)


def test_opposite_corrections_are_settled_by_number() -> None:
    forth, back = said("A", "down", correction="B"), said("B", "down", correction="A")
    assert pairs(preferences([forth, forth, back], "dpo")) == [("B", "A")]
    tie = preferences([forth, back], "dpo")
    assert tie.rows == () and why(tie) == {"contradictions: as many prefer the one answer as the other": 2}


def test_answers_preferred_in_a_circle_are_all_left_out() -> None:
    circle = [said(worse, "down", correction=better) for better, worse in ("AB", "BC", "CA")]
    found = preferences([*circle, said("C", "down", correction="D")], "dpo")
    assert pairs(found) == [("D", "C")]
    assert why(found) == {"contradictions: the answers are preferred to one another in a circle": 3}


def test_the_question_is_the_same_however_it_is_spelt_and_whatever_was_found() -> None:
    rows = [said("Thirty. [1]", hits=(SOURCE,)), said("Sixty.", "down", question="how  long?")]
    [row] = preferences(rows, "dpo").rows
    assert "The refund window" in row["prompt"][-1]["content"]  # the sources of the better answer


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (said(" "), "the answer is empty"),
        (said("up (90%)", generator="classifier"), "the answer is a classifier's label"),
        (said(refusal("q"), refused=True), "a refusal without the sources"),
        (said("Yes.", history=({"role": "user", "content": ""},)), "a turn of the conversation is empty"),
    ],
)
def test_what_cannot_be_learned_from_is_told_with_its_reason(row: Feedback, reason: str) -> None:
    for kind in KINDS:
        found = preferences([row], kind)  # type: ignore[arg-type]
        assert found.rows == () and reason in next(iter(why(found)))


def test_a_liked_refusal_is_learned_and_a_disliked_one_only_against_a_better_answer() -> None:
    good = said(refusal("q"), refused=True, hits=(SOURCE,))
    bad = said(refusal("q"), "down", refused=True, hits=(SOURCE,), question="And returns?")
    assert thumbs(preferences([good, bad], "kto")) == [(refusal("q"), True)]
    better = said("Thirty days.", question="And returns?")
    assert pairs(preferences([bad, better], "dpo")) == [("Thirty days.", refusal("q"))]


def test_quoted_answers_count_like_written_ones() -> None:
    assert preferences([said("Thirty days. [1]", hits=(SOURCE,), generator="extractive")], "kto").rows


def test_one_sided_thumbs_are_a_note() -> None:
    assert "every answer is liked" in preferences([said("A"), said("B")], "kto").report.notes[0]
    assert preferences([said("A"), said("B", "down")], "kto").report.notes == ()


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_of_feedback_is_counted_once(kind: Any) -> None:
    draw = random.Random(7)
    rows = [
        said(
            draw.choice(["A", "B", "C", ""]),
            draw.choice(["up", "down"]),
            correction=draw.choice([None, None, "A", "B"]),
            question=f"q{draw.randrange(12)}",
            answer_id=draw.choice(["", f"a{draw.randrange(40)}"]),
        )
        for _ in range(150)
    ]
    found = preferences(rows, kind)
    report = found.report
    counts = (report.taken, report.duplicates, report.contradictions, report.unusable)
    assert sum(counts) == report.read == len(rows) and report.taken and report.contradictions
    assert len(set(found.keys)) == len(found.keys) == len(found.rows)
    assert sum(sum(reasons.values()) for reasons in report.reasons.values()) == len(rows)


def test_personal_data_is_masked_where_it_is_asked_for() -> None:
    row = said(
        "Ask bob@example.com. [1]", question="Who at 13812345678?", hits=(SOURCE | {"source": "a@b.org.md"},)
    )
    plain, masked = preferences([row], "kto"), preferences([row], "kto", mask=True)
    assert "bob@example.com" in str(plain.rows) and plain.keys == masked.keys
    shown = str(masked.rows)
    assert not any(value in shown for value in ("bob@", "13812345678", "a@b.org"))
    assert "[email]" in shown and "[phone]" in shown
    assert masked.report.masked["phone"] == 1


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(ValueError, match=r"'ppo'; choose one of \['dpo', 'kto', 'sft'\]"):
        preferences([], "ppo")  # type: ignore[arg-type]
