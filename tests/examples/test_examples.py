"""The example sets hold what they promise, and the check that says so can fail."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rag.loaders import load_document

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run_check(*sets: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / "check.py"), *map(str, sets)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["finance", "medical"])
def test_the_set_has_no_defect(name: str) -> None:
    done = run_check(name)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def small_set(tmp_path: Path) -> Path:
    """A copy of the finance set; its table of counts and defects is printed by the check."""
    for part in ("docs", "source", "qa.jsonl", "headlines.jsonl"):
        origin = EXAMPLES / "finance" / part
        (shutil.copytree if origin.is_dir() else shutil.copy)(origin, tmp_path / part)
    return tmp_path


def change_row(path: Path, number: int, change: Callable[[dict[str, Any]], Any]) -> str:
    """Change one row of a JSONL file in place; returns its id."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    change(rows[number])
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n", encoding="utf-8")
    return str(rows[number]["id"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda row: row.update(quote=row["quote"].replace("8", "9") + " indeed"), "quote is not in"),
        (lambda row: row.update(page=9), "quote is on page"),
        (lambda row: row.update(source="no-such-report.pdf"), "is not in docs/"),
        (lambda row: row.update(answerable=False), "is unanswerable but has"),
        (lambda row: row.update(split="holdout"), "unknown split 'holdout'"),
        (lambda row: row.update(question="Up to which amount may the CFO alone approve a treasury transaction today"),
         "question repeats"),
    ],
)  # fmt: skip
def test_a_planted_defect_in_the_questions_is_named(
    small_set: Path, change: Callable[[dict[str, Any]], Any], words: str
) -> None:
    change_row(small_set / "qa.jsonl", 0, change)
    done = run_check(small_set)
    assert done.returncode == 1
    assert words in done.stdout


def test_planted_defects_in_the_headlines_are_all_named(small_set: Path) -> None:
    path = small_set / "headlines.jsonl"
    wrong = change_row(path, 0, lambda row: row.update(label="bullish"))
    first = json.loads(path.read_text(encoding="utf-8").splitlines()[0])["text"]
    twin = change_row(path, 1, lambda row: row.update(text=first.upper() + "!"))
    done = run_check(small_set)
    assert done.returncode == 1
    assert f"{wrong}: unknown label 'bullish'" in done.stdout
    assert f"{twin}: text repeats {wrong}" in done.stdout


def test_a_removed_document_is_missed(small_set: Path) -> None:
    (small_set / "docs" / "half-year-report-2025.pdf").unlink()
    done = run_check(small_set)
    assert done.returncode == 1
    assert "source/half-year-report-2025.md names no built document" in done.stdout


def test_a_rebuilt_document_reads_as_the_committed_one(tmp_path: Path) -> None:
    pytest.importorskip("fpdf")
    shutil.copytree(EXAMPLES / "finance" / "source", tmp_path / "finance" / "source")
    code = "import sys, make_documents as m; from pathlib import Path; m.build_set(Path(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(tmp_path / "finance")]
    done = subprocess.run(command, cwd=EXAMPLES, capture_output=True, text=True, check=False)
    if "No font for" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.returncode == 0, done.stderr
    built = sorted((tmp_path / "finance" / "docs").iterdir())
    assert len(built) >= 15
    for path in built:
        committed = load_document(EXAMPLES / "finance" / "docs" / path.name, path.name)
        assert load_document(path, path.name).text == committed.text, path.name


def test_quarters_of_the_finance_example_add_up_to_the_year() -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(EXAMPLES / "finance" / "docs" / "key-figures-2025-06-30.xlsx")
    group = [row for row in book["Group"].iter_rows(values_only=True) if str(row[0]).endswith("2024")]
    segments = [
        row for row in book["Segment revenue"].iter_rows(values_only=True) if row[1] and row[0] != "Quarter"
    ]
    assert round(sum(row[1] for row in group), 1) == 871.5
    assert round(sum(row[2] for row in group), 1) == 82.8
    assert all(abs(sum(row[1:4]) - row[4]) < 0.05 for row in segments)
