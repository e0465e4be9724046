"""`advisor feedback` as it is typed: thumbs in, rows out, the record of exports, one line for a mistake."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.feedback import Feedback, add_all_feedback

RunLine = Callable[..., str]
ROWS = (
    Feedback(
        question="How long?", answer="Thirty days, ask bob@example.com.", thumb="up", generator="extractive"
    ),
    Feedback(question="How long?", answer="Sixty days.", thumb="down", correction="Thirty days."),
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    add_all_feedback("build/feedback.sqlite3", ROWS)
    return tmp_path


def test_thumbs_are_listed_with_their_exports(run_line: RunLine, place: Path) -> None:
    run_line("feedback export --format dpo")
    said = run_line("feedback list --thumb down").splitlines()
    assert said[0] == "1 up, 1 down, 1 corrections in 2 rows"
    assert "down  How long? · correction" in said[1]
    assert said[2].startswith("exported ") and said[2].endswith("dpo-1.jsonl") and len(said) == 3
    assert len(json.loads(run_line("feedback list --last 1 --json"))["shown"]) == 1


def test_an_export_says_what_became_of_each_row(run_line: RunLine, place: Path) -> None:
    said = run_line("feedback export --format kto --mask --out rows.jsonl")
    assert "2 rows written to rows.jsonl" in said and "masked: email 1" in said
    assert "2 rows of feedback: 2 taken, 0 duplicates, 0 contradictions, 0 unusable" in said
    assert "bob@example.com" not in (place / "rows.jsonl").read_text()
    found = json.loads(run_line("feedback export --format sft --no-context --json"))
    assert found["rows"] == 2 and found["report"]["read"] == 2 and Path(found["file"]).is_file()
    assert "thumbs (2)" in run_line("check rows.jsonl")


def test_undo_and_new_work_together(run_line: RunLine, place: Path) -> None:
    run_line("feedback export --format kto --new")
    assert "exported already" in run_line("feedback export --format kto --new", status=2)
    assert "count as not exported again; the file and the feedback stay" in run_line("feedback undo")
    assert "build/exports/kto-2.jsonl" in run_line("feedback export --format kto --new")


def test_rows_are_imported_into_a_store_by_url(run_line: RunLine, place: Path) -> None:
    run_line("feedback export --format dpo --out pairs.jsonl")
    store = "--store sqlite:///other.sqlite3"
    assert run_line(f"feedback import pairs.jsonl {store}") == "2 rows added, 0 there already\n"
    assert run_line(f"feedback import pairs.jsonl {store}") == "0 rows added, 2 there already\n"
    assert "0 up, 2 down, 2 corrections" in run_line(f"feedback list {store}")


def test_the_store_can_stand_in_the_settings(run_line: RunLine, place: Path) -> None:
    (place / "advisor.toml").write_text('feedback = "sqlite:///elsewhere.sqlite3"\n')
    assert "No feedback yet" in run_line("feedback list")


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("feedback", "the following arguments are required: ACTION"),
        ("feedback export --format ppo", "invalid choice: 'ppo'"),
        ("feedback undo", "No export stands"),
        ("feedback list --last 0", "--last is 0; give 1 or more"),
        ("feedback import nowhere.jsonl", "No examples at 'nowhere.jsonl'"),
        ("feedback export --format kto --store none.sqlite3", "There is no feedback yet"),
        ("feedback list --store postgresql+pg8000://me:s3cret@127.0.0.1/x", "pip install pg8000"),
    ],
)
def test_a_mistake_is_one_line(line: str, part: str, run_line: RunLine, place: Path) -> None:
    said = run_line(line, status=2)
    assert part in said and said.count("\n") == 1 and "s3cret" not in said
