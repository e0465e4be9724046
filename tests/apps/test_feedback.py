"""Thumbs are kept as they were given, by many writers at once."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.schema import CreateTable

from apps.assistant import Answer
from apps.feedback import Feedback, add_feedback, feedback_on, read_feedback
from apps.feedback_database import append_only
from apps.feedback_tables import METADATA
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
    connection.execute("INSERT INTO feedback_exported VALUES (1, 'kto-1')")
    for statement in (
        "UPDATE feedback SET thumb = 'down'",
        "DELETE FROM feedback",
        "DELETE FROM feedback_exported",
    ):
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


# As format 1 made it, before there were conversations.
OLD = """CREATE TABLE feedback (id INTEGER PRIMARY KEY, time TEXT NOT NULL, answer_id TEXT NOT NULL,
question TEXT NOT NULL, answer TEXT NOT NULL, hits TEXT NOT NULL, citations TEXT NOT NULL, refused INTEGER NOT NULL,
generator TEXT NOT NULL, adapter TEXT, thumb TEXT NOT NULL CHECK (thumb IN ('up', 'down')), correction TEXT);
CREATE TRIGGER feedback_no_update BEFORE UPDATE ON feedback BEGIN SELECT RAISE(ABORT, 'feedback is append-only'); END;
INSERT INTO feedback VALUES (1, '2026-01-01T00:00:00+00:00', 'a1', 'Old?', 'Yes.', '[{"source": "a.md", "text": "x"}]',
'[]', 0, 'extractive', NULL, 'up', NULL);
PRAGMA user_version = 1;"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    connection = sqlite3.connect(tmp_path / "old.sqlite3")
    connection.executescript(OLD)
    connection.close()
    return tmp_path / "old.sqlite3"


def test_a_file_of_format_1_is_read_as_it_is_and_grows_with_the_next_thumb(old: Path) -> None:
    before = old.read_bytes()
    [row] = read_feedback(old)
    assert (row.question, row.hits[0]["source"], row.history, row.id) == ("Old?", "a.md", (), 1)
    assert old.read_bytes() == before
    said = ({"role": "user", "content": "Old?"}, {"role": "assistant", "content": "Yes."})
    add_feedback(old, Feedback(question="And new?", answer="Too.", thumb="down", history=said))
    first, second = read_feedback(old)
    assert first == row and second.history == said and second.id == 2


def test_a_file_of_a_later_format_is_refused_whole(old: Path) -> None:
    connection = sqlite3.connect(old)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for act in (
        read_feedback,
        lambda path: add_feedback(path, Feedback(question="q", answer="a", thumb="up")),
    ):
        with pytest.raises(ValueError, match="has format 99, this program reads and writes 2; update"):
            act(old)


def test_a_url_names_the_same_file_as_its_path(tmp_path: Path) -> None:
    path = tmp_path / "f.sqlite3"
    add_feedback(f"sqlite:///{path}", Feedback(question="q", answer="a", thumb="up"))
    add_feedback(path, Feedback(question="r", answer="a", thumb="up"))
    assert [row.question for row in read_feedback(f"sqlite+pysqlite:///{path}")] == ["q", "r"]


def test_a_relative_path_follows_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        add_feedback("f.sqlite3", Feedback(question=name, answer="a", thumb="up"))
        assert [row.question for row in read_feedback("f.sqlite3")] == [name]


@pytest.mark.parametrize(
    ("store", "error", "part"),
    [
        ("oracel://host/x", ValueError, "No database is called 'oracel'"),
        ("sqlite://", ValueError, "keeps nothing; name a file"),
        ("postgresql+nodriver://h/x", ValueError, "No database is called 'postgresql.nodriver'"),
        ("://", ValueError, "is no database URL"),
    ],
)
def test_a_url_that_is_none_is_one_line(store: str, error: type[Exception], part: str) -> None:
    with pytest.raises(error, match=part):
        add_feedback(store, Feedback(question="q", answer="a", thumb="up"))


def test_a_missing_driver_is_named_and_the_password_is_not() -> None:
    with pytest.raises(ImportError, match="needs .*: pip install") as caught:
        read_feedback("postgresql+pg8000://me:s3cret@127.0.0.1/none")
    assert "s3cret" not in str(caught.value)


def test_postgresql_is_told_to_refuse_changes_of_every_table() -> None:
    function, *triggers = append_only("postgresql", ["feedback", "feedback_exports"])
    assert "RAISE EXCEPTION" in function and len(triggers) == 2
    assert all("BEFORE UPDATE OR DELETE OR TRUNCATE" in trigger for trigger in triggers)


@pytest.mark.parametrize("dialect", [postgresql.dialect(), mysql.dialect()])
def test_every_table_can_be_written_for_other_databases(dialect: sa.Dialect) -> None:
    made = [str(CreateTable(table).compile(dialect=dialect)) for table in METADATA.sorted_tables]
    assert len(made) == 3 and all("NOT NULL" in statement for statement in made)
