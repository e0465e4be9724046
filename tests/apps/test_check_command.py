"""`advisor check` shows what training would do to the rows, and its exit status says whether it would start."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.cli import main

RunLine = Callable[..., str]

ROWS = [{"question": f"What is item {n}?", "answer": f"Item {n} is blue."} for n in range(20)]


def write(file: Path, *rows: object) -> Path:
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), "utf-8")
    return file


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write(tmp_path / "rows.jsonl", *ROWS)


def test_sound_rows_are_counted_and_shown_as_the_model_sees_them(
    run_line: RunLine, sound: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    said = run_line(f"check {sound} --model {tiny_llama} --html {page} --show 2")
    assert "question/answer (20)" in said and "18 to learn from (18 conversations), 2 held out" in said
    assert "[[Item 0 is blue.<|im_end|>]]" in said and said.count("as the model sees it") == 2
    assert "Nothing here would stop a training." in said
    assert "<mark>Item 0 is blue.&lt;|im_end|&gt;</mark>" in page.read_text("utf-8")


def test_findings_that_would_stop_a_training_end_in_status_1_and_bad_rows_do_not_hide_the_rest(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = write(tmp_path / "rows.jsonl", *ROWS, "{torn", {"question": "a", "answer": ""}, {"qestion": "a"})
    page = tmp_path / "report.html"
    found = json.loads(_status_1(capsys, file, "--json", "--html", page))
    assert "<li>line 21: not JSON" in page.read_text("utf-8")
    assert [(fault["line"], fault["key"]) for fault in found["faults"]] == [
        (21, "bad_rows"),
        (22, "empty_answers"),
        (23, "bad_rows"),
    ]
    assert {one["key"] for one in found["findings"] if one["blocking"]} == {"bad_rows", "empty_answers"}
    assert found["rows"] + found["held_out_rows"] == 20


def _status_1(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["check", *map(str, words)]) == 1
    return capsys.readouterr().out


def test_rows_of_the_evaluation_that_were_learned_are_named(
    capsys: pytest.CaptureFixture[str], sound: Path, tmp_path: Path
) -> None:
    scored = write(tmp_path / "eval.jsonl", {"question": "New?", "answer": "Yes."}, ROWS[3])
    said = _status_1(capsys, sound, "--eval", scored)
    assert "leakage: 1 of 2 held-out rows with the question of a training row" in said and "(line 2)" in said


def test_documents_are_checked_for_continued_pretraining(
    run_line: RunLine, tiny_llama: Path, tmp_path: Path
) -> None:
    for number in range(12):
        (tmp_path / f"{number}.txt").write_text(
            f"Document {number} tells of opening hours in house {number}."
        )
    said = run_line(f"check {tmp_path} --objective pretrain --model {tiny_llama} --max-length 64 --show 1")
    assert "10 texts" in said or "11 texts" in said
    assert "sequences of up to 64 tokens" in said and "--max-length" not in said


def test_pairs_are_checked_for_the_objective_that_learns_from_them(run_line: RunLine, tmp_path: Path) -> None:
    rows = [{"prompt": f"Why {n}?", "chosen": "So it is.", "rejected": "No."} for n in range(12)]
    said = run_line(f"check {write(tmp_path / 'pairs.jsonl', *rows)}")
    assert "preference pairs (12)" in said and "length_bias: the better answer is the longer one" in said


@pytest.mark.parametrize(
    ("rows", "flags", "message"),
    [
        ([], "", "holds no usable row"),
        (
            [{"text": f"a {n}", "label": "x"} for n in range(12)],
            "",
            "every row has the label 'x'; classification needs",
        ),
        (ROWS, "--max-length 8 --model {model}", "give a larger --max-length: 99 % of the rows have at most"),
        (
            [{"instuction": "a", "ouput": "b"}],
            "",
            "'instuction' meant to be 'instruction', and 'ouput' meant to be 'output'",
        ),
        (ROWS, "--objective sfd", "Unknown objective 'sfd'"),
        (ROWS, "--objective classify", "No row fits the objective 'classify'"),
        (ROWS, "--model no/such", "Unknown model 'no/such'"),
        (ROWS, "--eval nowhere.jsonl", "No examples at 'nowhere.jsonl'"),
    ],
)
def test_what_cannot_be_trained_is_one_line_and_status_2(
    run_line: RunLine, rows: list[object], flags: str, message: str, tiny_llama: Path, tmp_path: Path
) -> None:
    said = run_line(
        f"check {write(tmp_path / 'rows.jsonl', *rows)} {flags.format(model=tiny_llama)}", status=2
    )
    assert message in said and said.count("\n") == 1
