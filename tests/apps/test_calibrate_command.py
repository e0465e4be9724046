"""`advisor calibrate` as it is typed: what holds before and after, and what is wrong with a file of questions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.cli import main
from rag import Document, build_index, open_index

TOWNS = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ivy", "Juniper")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    documents = [
        Document(
            text=f"The ferry to {town} leaves at {hour}. The fare is {hour} coins.", source=f"{town}.txt"
        )
        for hour, town in enumerate(TOWNS, start=6)
    ]
    return build_index(documents, tmp_path_factory.mktemp("towns") / "index").path


def questions(folder: Path) -> Path:
    rows = [
        {"question": question.format(town), "source": f"{town}.txt"}
        for town in TOWNS
        for question in ("When does the ferry to {} leave?", "What is the fare to {}?")
    ]
    path = folder / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return path


def test_what_is_found_is_shown_and_kept(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = str(questions(tmp_path))
    assert main(["calibrate", asked, "--index", str(index), "--dry-run"]) == 0
    assert "20 answerable, 20 not" in capsys.readouterr().out
    assert not open_index(index).refusal_thresholds()
    assert main(["calibrate", asked, "--index", str(index), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert open_index(index).refusal_thresholds() == {"read": found["threshold"]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no question"),
        ("# Questions\n", "questions.jsonl:1: not JSON"),
        ('{"question": "When?"}\n', 'questions.jsonl:1: a row is {"question": ..., "source": ...}'),
        ('{"question": "When?", "source": "Alder.txt"}\n', "1 answerable questions are too few"),
        (
            '{"question": "When?", "source": "Rome.txt"}\n' * 20,
            "'Rome.txt', the source of 'When?', is not in",
        ),
    ],
)
def test_bad_questions_get_one_line(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, said: str
) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(content, "utf-8")
    assert main(["calibrate", str(path), "--index", str(index)]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
