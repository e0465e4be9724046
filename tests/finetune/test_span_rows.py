"""Files of questions about passages become rows, and rows become windows that know where answers stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_encoders import bert, roberta

from finetune import TrainConfig, check_data, load_examples
from finetune.formats import read_examples
from finetune.schema import Example
from finetune.span_rows import encode, load_tokenizer, windows_of
from finetune.splits import split_rows

PASSAGE = "Anna keeps the old mill . The mill stands near the river ."


def example(**row: Any) -> Example:
    from finetune.formats.shapes import example_of

    return example_of({"question": "Who keeps the mill ?", "context": PASSAGE, **row}, 1, spans=True)[1]  # type: ignore[return-value]


def said(row: Example) -> list[str]:
    return [row.context[start:end] for start, end in row.answers]


@pytest.mark.parametrize(
    "answers",
    [
        [{"text": "Anna", "answer_start": 0}],
        {"text": ["Anna"], "answer_start": [0]},
        {"text": ["Anna"]},
        ["Anna"],
        "Anna",
    ],
)
def test_answers_are_read_in_every_form(answers: Any) -> None:
    assert example(answers=answers).answers == ((0, 4),)


def test_a_wrong_position_is_mended_by_the_nearest_occurrence() -> None:
    second = PASSAGE.index("mill", 20)
    assert example(answers=[{"text": "mill", "answer_start": second + 3}]).answers == ((second, second + 4),)
    assert example(answers=[{"text": "mill", "answer_start": 14}]).answers == ((19, 23),)
    assert example(answers=[{"text": "mill", "answer_start": 999}]).answers == ((second, second + 4),)


def test_the_same_answer_of_several_people_counts_once() -> None:
    assert said(example(answers={"text": ["Anna", "Anna", "old mill"], "answer_start": [0, 0, 11]})) == [
        "Anna",
        "old mill",
    ]


@pytest.mark.parametrize(
    "row", [{"answers": []}, {"answers": {"text": [], "answer_start": []}}, {"is_impossible": True},
            {"answerable": False, "answers": ["Anna"]}, {"answerable": "no"}]
)  # fmt: skip
def test_a_row_without_answers_is_a_question_that_has_none(row: dict[str, Any]) -> None:
    assert example(**row).answers == ()


def test_answers_that_stand_nowhere_are_faults_with_their_lines(tmp_path: Path) -> None:
    rows = [
        {"question": "Who ?", "context": PASSAGE, "answers": ["Anna"]},
        {"question": "Who ?", "context": PASSAGE, "answers": ["Boris"]},
        {"question": "", "context": PASSAGE, "answers": ["Anna"]},
        {"question": "Who ?", "context": PASSAGE, "answers": {"text": ["Anna"], "answer_start": [0, 5]}},
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    reading = read_examples(file, spans=True)
    assert [fault.line for fault in reading.faults] == [2, 3, 4]
    assert "'Boris' does not stand in 'context'" in reading.faults[0].reason
    assert len(load_examples(file, spans=True, allow=["bad_rows"])) == 1
    with pytest.raises(ValueError, match=r"rows.jsonl:2: the answer 'Boris'.*2 more"):
        load_examples(file, spans=True)


def test_to_other_objectives_the_same_rows_are_conversations(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"question": "Who ?", "context": PASSAGE, "answers": ["Anna"]}), "utf-8")
    assert load_examples(file)[0].messages[-1]["content"] == "Anna"
    assert load_examples(file, spans=True)[0].messages == ()


@pytest.mark.parametrize("make", [bert, roberta])
def test_overlapping_windows_hold_the_whole_passage_and_find_the_answer(make: Any, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(make(tmp_path / "model"), ())
    passage = "the river is deep . " * 12 + "anna built it . " + "the hill is cold . " * 12
    start = passage.index("anna")
    ((windows, lost),) = windows_of([("who built it ?", passage)], 48, tokenizer)
    assert lost == 0 and len(windows) > 3 and max(len(one.input_ids) for one in windows) == 48
    covered = {at for one in windows for at in range(one.starts[0], one.ends[-1])}
    assert covered >= set(range(len(passage.rstrip())))
    found = [one.characters(*at) for one in windows if (at := one.tokens_of((start, start + 10)))[1]]
    assert found and {passage[first:last] for first, last in found} == {"anna built"}


def test_a_question_longer_than_a_third_of_a_window_is_cut_and_counted(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(bert(tmp_path / "model"), ())
    ((windows, lost),) = windows_of([("who " * 20, "the river is deep .")], 24, tokenizer)
    assert lost == 12 and len(windows[0].input_ids) == 8 + 5 + 3


def test_the_report_counts_what_is_cut_and_shows_what_is_learned(tmp_path: Path) -> None:
    folder = bert(tmp_path / "model")
    rows = [
        Example(question="who " * 20, context=PASSAGE, answers=((0, 4),), line=1),
        Example(question="who ?", context=PASSAGE, line=2),
    ]
    config = TrainConfig(model=str(folder), out="", objective="span_qa", max_length=24)
    report = check_data(rows, [], config, folder, show=2)
    assert report.kinds == {"questions about passages": 2} and report.training is not None
    assert report.training.rows_cut == 1 and report.training.rows_dropped == 0
    (cut,) = [one for one in report.findings if one.key == "truncated"]
    assert "their questions lose the end" in cut.message and cut.blocking
    (none,) = [one for one in report.findings if one.key == "unanswerable"]
    assert none.message == "1 of 2 rows ask what their passage does not answer"
    learned = [piece.text for piece in report.preview[0].pieces if piece.supervised]
    assert learned == ["anna", "Anna"] and report.preview[1].pieces[-1].text == "no answer"


def test_questions_about_one_passage_are_held_out_together() -> None:
    rows = [
        Example(question=f"question {n} ?", context=f"passage {n // 4} .", answers=((0, 7),))
        for n in range(80)
    ]
    train, held, _ = split_rows(rows, share=0.2)
    assert len(held) == 16 and not {row.context for row in train} & {row.context for row in held}


def test_an_answer_across_two_windows_is_learned_as_none(tmp_path: Path) -> None:
    folder = bert(tmp_path / "model")
    passage = "the river is deep . " * 10
    row = Example(question="who ?", context=passage, answers=((0, 150),))
    config = TrainConfig(model=str(folder), out="", objective="span_qa", max_length=24)
    (encoded,) = encode([row], config, folder, load_tokenizer(folder, ()))
    assert all(one.tokens_of((0, 150)) == (0, 0) for one in encoded.windows)
