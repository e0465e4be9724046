"""Thumbs are kept as they were given, by many writers at once."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from apps.assistant import Answer
from apps.feedback import Feedback, add_feedback, feedback_on, read_feedback
from rag.schema import Chunk, Citation, Hit

CITATION = Citation(
    number=1, claim="Thirty days.", quote="Thirty days.", source="a.md", start=4, end=16, page=2
)
HIT = Hit(chunk=Chunk(source="a.md", text="Now Thirty days.", start=0, end=16, page=2), score=0.5, rank=1)
ANSWER = Answer(
    text="Thirty days. [1]", citations=(CITATION,), hits=(HIT,), generator="extractive", adapter="build/a"
)


def write_many(path: str, writer: int, rows: int, together: Any) -> None:
    together.wait()  # all make the file at once
    for row in range(rows):
        add_feedback(path, Feedback(question=f"{writer}-{row}", answer="x", thumb="up"))


def test_a_thumb_comes_back_as_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "new" / "feedback.sqlite3"
    add_feedback(path, feedback_on("How long?", ANSWER, "down", correction=" Sixty days. ", answer_id="a1"))
    [row] = read_feedback(path)
    assert (row.question, row.answer, row.thumb) == ("How long?", "Thirty days. [1]", "down")
    assert (row.correction, row.generator, row.adapter, row.answer_id) == (
        "Sixty days.",
        "extractive",
        "build/a",
        "a1",
    )
    assert row.citations[0]["quote"] == "Thirty days." and row.citations[0]["page"] == 2
    assert row.hits[0]["text"] == "Now Thirty days."
    assert row.time.endswith("+00:00")


def test_writers_in_many_processes_lose_nothing(tmp_path: Path) -> None:
    path, spawn = str(tmp_path / "feedback.sqlite3"), multiprocessing.get_context("spawn")
    together = spawn.Barrier(6)
    writers = [spawn.Process(target=write_many, args=(path, number, 25, together)) for number in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 6
    expected = {f"{writer}-{row}" for writer in range(6) for row in range(25)}
    questions = [row.question for row in read_feedback(path)]
    assert set(questions) == expected and len(questions) == len(expected)


def test_what_was_said_cannot_be_changed(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite3"
    add_feedback(path, Feedback(question="q", answer="a", thumb="up"))
    connection = sqlite3.connect(path)
    for statement in ("UPDATE feedback SET thumb = 'down'", "DELETE FROM feedback"):
        with pytest.raises(sqlite3.DatabaseError, match="append-only"):
            connection.execute(statement)
    connection.close()
    assert read_feedback(path)[0].thumb == "up"


def test_a_correction_is_a_further_row_of_the_same_answer(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite3"
    add_feedback(path, feedback_on("q", ANSWER, "down", answer_id="a1"))
    add_feedback(path, feedback_on("q", ANSWER, "down", correction="Sixty.", answer_id="a1"))
    assert [(row.answer_id, row.correction) for row in read_feedback(path)] == [
        ("a1", None),
        ("a1", "Sixty."),
    ]


def test_no_file_is_no_feedback(tmp_path: Path) -> None:
    assert read_feedback(tmp_path / "none.sqlite3") == []


def test_an_unknown_thumb_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'sideways'.*'up', 'down'"):
        add_feedback(tmp_path / "f.sqlite3", Feedback(question="q", answer="a", thumb="sideways"))  # type: ignore[arg-type]


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite3"
    path.write_text("no database at all, only a text that is long enough to be read as one\n" * 20)
    with pytest.raises(ValueError, match=r"feedback\.sqlite3 is no feedback file"):
        add_feedback(path, Feedback(question="q", answer="a", thumb="up"))
