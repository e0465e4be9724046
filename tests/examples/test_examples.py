"""The example sets hold what they promise, and the check that says so can fail."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rag.loaders import load_document
from rag.schema import Document

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Rows = list[dict[str, Any]]


@pytest.mark.parametrize("name", ["finance", "medical"])
def test_the_set_has_no_defect(check: ModuleType, name: str) -> None:
    checked = check.check_set(EXAMPLES / name)
    assert checked.defects == []
    assert checked.counts["documents"] >= 12


def test_the_script_exits_1_and_names_a_broken_quote(tmp_path: Path) -> None:
    copied = shutil.copytree(EXAMPLES / "finance", tmp_path / "copied")
    path = copied / "qa.jsonl"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace('"quote": "The audit committee,', '"quote": "The audit board,'), encoding="utf-8"
    )
    command = [sys.executable, str(EXAMPLES / "check.py"), str(copied)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "quote is not in annual-report-2024.pdf: 'The audit board," in done.stdout


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"quote": "Revenue was nine billion."}, "quote is not in annual-report-2024.pdf"),
        ({"quote": ""}, "has no quote"),
        ({"page": 9}, "quote is on page [1] of annual-report-2024.pdf, not on 9"),
        ({"source": "no-such-report.pdf"}, "document 'no-such-report.pdf' is not in docs/"),
        ({"also": ["no-such-sheet.xlsx"]}, "document 'no-such-sheet.xlsx' is not in docs/"),
        ({"answerable": False}, "is unanswerable but has answer, source, quote, page"),
        ({"answer": ""}, "is answerable but has no answer"),
        ({"language": "fr"}, "unknown language 'fr'"),
        ({"split": "holdout"}, "unknown split 'holdout'"),
        ({"id": "fin-002"}, "id 'fin-002' is used 2 times"),
    ],
)
def test_a_planted_defect_in_a_question_is_named(
    check: ModuleType,
    questions: Rows,
    finance_documents: dict[str, Document],
    change: dict[str, Any],
    words: str,
) -> None:
    questions[0] |= change
    defects = check.check_questions(questions, finance_documents)
    assert any(words in defect for defect in defects), defects


def test_a_question_repeated_with_other_punctuation_is_found(check: ModuleType, questions: Rows) -> None:
    questions[1]["question"] = questions[0]["question"].upper().replace("?", " ?!")
    assert check.duplicates(questions, "question") == ["fin-002: question repeats fin-001"]


def test_one_passage_in_two_splits_is_a_leak(check: ModuleType, questions: Rows) -> None:
    trained, held_out = ({**questions[0], "split": split} for split in ("train", "test"))
    assert check.leaked_quotes([trained, trained]) == []
    assert "is in the splits test, train" in check.leaked_quotes([trained, held_out])[0]


def test_an_empty_split_is_named(check: ModuleType, questions: Rows) -> None:
    without_dev = [row for row in questions if row["split"] != "dev"]
    assert check.check_splits(without_dev, "questions") == ["questions: split 'dev' is empty"]


def test_planted_defects_in_headlines_are_all_named(check: ModuleType, headlines: Rows) -> None:
    chinese = next(row for row in headlines if row["language"] == "zh" and row["label"] == "positive")
    chinese["label_zh"] = "利空"
    headlines[0]["label"] = "bullish"
    headlines[1]["text"] = headlines[2]["text"]
    defects = " / ".join(check.check_headlines(headlines))
    assert f"{chinese['id']}: label_zh '利空' is not 利好" in defects
    assert f"{headlines[0]['id']}: unknown label 'bullish'" in defects
    assert f"{headlines[2]['id']}: text repeats {headlines[1]['id']}" in defects


def test_headlines_with_one_label_too_rare_are_not_balanced(check: ModuleType, headlines: Rows) -> None:
    kept = [row for row in headlines if row["label"] != "neutral" or row["language"] == "zh"]
    assert any("headlines in en are not balanced" in defect for defect in check.check_headlines(kept))


def test_a_row_that_is_no_json_is_named_by_its_line(check: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "qa.jsonl"
    path.write_text('{"id": "a"}\n{"id": \n[1]\n', encoding="utf-8")
    rows, broken = check.read_rows(path)
    assert rows == [{"id": "a"}]
    assert [line.split(" is ")[0] for line in broken] == ["qa.jsonl line 2", "qa.jsonl line 3"]


def test_a_source_whose_document_was_not_built_is_named(check: ModuleType, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "finance" / "source", tmp_path / "source")
    (tmp_path / "docs").mkdir()
    missing = check.missing_outputs(tmp_path)
    assert len(missing) == len(list((tmp_path / "source").iterdir()))
    assert "source/half-year-report-2025.md names no built document" in " ".join(missing)


def test_a_rebuilt_document_reads_as_the_committed_one(tmp_path: Path) -> None:
    pytest.importorskip("fpdf")
    shutil.copytree(EXAMPLES / "finance" / "source", tmp_path / "source")
    code = "import sys, make_documents as m; from pathlib import Path; m.build_set(Path(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=EXAMPLES, capture_output=True, text=True, check=False)
    if "No font for" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.returncode == 0, done.stderr
    built = sorted((tmp_path / "docs").iterdir())
    assert len(built) == len(list((tmp_path / "source").iterdir()))
    for path in built:
        committed = load_document(EXAMPLES / "finance" / "docs" / path.name, path.name)
        assert load_document(path, path.name).text == committed.text, path.name


def test_quarters_of_the_finance_example_add_up_to_the_year() -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(EXAMPLES / "finance" / "docs" / "key-figures-2025-06-30.xlsx")
    group = [row for row in book["Group"].iter_rows(values_only=True) if str(row[0]).endswith("2024")]
    rows = book["Segment revenue"].iter_rows(min_row=2, values_only=True)
    assert round(sum(row[1] for row in group), 1) == 871.5
    assert round(sum(row[2] for row in group), 1) == 82.8
    assert all(abs(sum(row[1:4]) - row[4]) < 0.05 for row in rows)
