"""Keeps what people thought of answers: an append-only SQLite file that many writers may share."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal, get_args

from apps.assistant import Answer

Thumb = Literal["up", "down"]
FORMAT = 1
_WAIT_S = 30.0  # for another writer; each write takes milliseconds

_TABLE = """
CREATE TABLE IF NOT EXISTS feedback (
    id INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    answer_id TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    hits TEXT NOT NULL,
    citations TEXT NOT NULL,
    refused INTEGER NOT NULL,
    generator TEXT NOT NULL,
    adapter TEXT,
    thumb TEXT NOT NULL CHECK (thumb IN ('up', 'down')),
    correction TEXT
)"""
# A changed mind is a further row of the same answer: what was once said stays as it was said.
_RULES = [
    f"CREATE TRIGGER IF NOT EXISTS feedback_no_{act.lower()} BEFORE {act} ON feedback "
    "BEGIN SELECT RAISE(ABORT, 'feedback is append-only'); END"
    for act in ("UPDATE", "DELETE")
]
_COLUMNS = (
    "time", "answer_id", "question", "answer", "hits", "citations", "refused", "generator", "adapter", "thumb",
    "correction",
)  # fmt: skip
_INSERT = (
    f"INSERT INTO feedback ({', '.join(_COLUMNS)}) VALUES ({', '.join(':' + name for name in _COLUMNS)})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One thumb. Rows with the same `answer_id` are about one answer; the last of them holds.

    `hits` and `citations` say what was found and cited: source, page, start, end and the text.
    """

    question: str
    answer: str
    thumb: Thumb
    answer_id: str = ""
    hits: tuple[Mapping[str, Any], ...] = ()
    citations: tuple[Mapping[str, Any], ...] = ()
    refused: bool = False
    generator: str = ""
    adapter: str | None = None
    correction: str | None = None  # what the answer should have said
    time: str = ""  # ISO 8601, UTC; empty takes the moment of writing


def feedback_on(
    question: str, answer: Answer, thumb: Thumb, *, correction: str | None = None, answer_id: str = ""
) -> Feedback:
    """The row that a thumb on `answer` makes."""
    return Feedback(
        question=question,
        answer=answer.text,
        thumb=thumb,
        answer_id=answer_id,
        hits=tuple(
            {
                "source": hit.chunk.source,
                "page": hit.chunk.page,
                "start": hit.chunk.start,
                "end": hit.chunk.end,
                "text": hit.chunk.text,
                "score": hit.score,
            }
            for hit in answer.hits
        ),
        citations=tuple(asdict(citation) for citation in answer.citations),
        refused=answer.refused,
        generator=answer.generator,
        adapter=answer.adapter,
        correction=(correction or "").strip() or None,
    )


def add_feedback(path: str | Path, feedback: Feedback) -> None:
    """Appends one row; makes the file, and its folder, where there is none. Raises ValueError or OSError."""
    if feedback.thumb not in get_args(Thumb):
        raise ValueError(f"Unknown thumb {feedback.thumb!r}; choose one of ['up', 'down'].")
    if not feedback.question.strip():
        raise ValueError("Feedback needs the question that was answered; it is empty.")
    row = asdict(feedback) | {
        "time": feedback.time or datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        "hits": json.dumps(list(feedback.hits), ensure_ascii=False),
        "citations": json.dumps(list(feedback.citations), ensure_ascii=False),
    }
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    _write(Path(path), row)


def _write(path: Path, row: Mapping[str, Any]) -> None:
    """Writes the row, again when another writer was in the way.

    SQLite does not wait for the change to WAL nor for the last reader's clean-up, whatever the timeout; a write
    that failed left nothing behind, so that the whole of it can be tried again.
    """
    give_up = time.monotonic() + _WAIT_S
    while True:
        try:
            with _open(path) as connection:
                _prepare(connection)
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(_INSERT, row)
                connection.execute("COMMIT")
            return
        except BlockingIOError:
            if time.monotonic() > give_up:
                raise
            time.sleep(random.uniform(0.01, 0.05))


def read_feedback(path: str | Path) -> list[Feedback]:
    """Every row, the oldest first; none where there is no file yet. Raises ValueError for a damaged file."""
    if not Path(path).is_file():
        return []
    with _open(Path(path)) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute("SELECT * FROM feedback ORDER BY id").fetchall()
    return [_from_row(row) for row in rows]


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        # Autocommit: transactions are written out, so that a writer takes its lock at BEGIN and not half-way.
        with closing(sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)) as connection:
            yield connection
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise BlockingIOError(f"{path} is being written by others ({error}); try again.") from error
        raise OSError(f"Feedback could not be kept in {path}: {error}; is the folder writable?") from error
    except sqlite3.DatabaseError as error:
        raise ValueError(f"{path} is no feedback file ({error}); move it away and try again.") from error


def _prepare(connection: sqlite3.Connection) -> None:
    """Makes the table once; a file of a later version is refused rather than half understood."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > FORMAT:
        raise ValueError(
            f"The feedback file has format {version}, this program writes {FORMAT}; update the program."
        )
    if version == FORMAT:
        return
    connection.execute("PRAGMA journal_mode=WAL")  # readers do not wait for the writer
    connection.execute("BEGIN IMMEDIATE")  # all statements may run twice: another writer may have been first
    for statement in (_TABLE, *_RULES, f"PRAGMA user_version={FORMAT}"):
        connection.execute(statement)
    connection.execute("COMMIT")


def _from_row(row: sqlite3.Row) -> Feedback:
    values = {key: row[key] for key in row.keys() if key != "id"}  # noqa: SIM118 (a Row iterates over values)
    return Feedback(
        **values
        | {
            "hits": tuple(json.loads(row["hits"])),
            "citations": tuple(json.loads(row["citations"])),
            "refused": bool(row["refused"]),
        }
    )
