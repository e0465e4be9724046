"""Keeps what people thought of answers: rows that are only ever added, in SQLite or any database with a URL."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from apps.assistant import Answer
    from apps.settings import Settings

Thumb = Literal["up", "down"]
Turn = Mapping[str, str]
# Columns that hold JSON, and those of them that files of format 1 lack.
_JSON = ("history", "hits", "citations", "prompt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One thumb. Rows with the same `answer_id` are about one answer; the last of them holds.

    `hits` and `citations` say what was found and cited: source, page, start, end and the text.
    """

    question: str
    answer: str
    thumb: Thumb
    answer_id: str = ""
    history: tuple[Turn, ...] = ()  # the turns before the question: {"role", "content"}
    hits: tuple[Mapping[str, Any], ...] = ()
    citations: tuple[Mapping[str, Any], ...] = ()
    refused: bool = False
    generator: str = ""
    adapter: str | None = None
    correction: str | None = None  # what the answer should have said
    time: str = ""  # ISO 8601, UTC; empty takes the moment of writing
    prompt: tuple[Turn, ...] = ()  # of imported rows: what was asked, word for word
    id: int = field(default=0, compare=False)  # its number in the store; 0 before it is kept


def feedback_on(
    question: str,
    answer: Answer,
    thumb: Thumb,
    *,
    correction: str | None = None,
    answer_id: str = "",
    history: Sequence[Turn] = (),
) -> Feedback:
    """The row that a thumb on `answer` makes."""
    return Feedback(
        question=question,
        answer=answer.text,
        thumb=thumb,
        answer_id=answer_id,
        history=tuple({"role": turn["role"], "content": turn["content"]} for turn in history),
        hits=tuple(
            {
                "source": hit.chunk.source,
                "page": hit.chunk.page,
                "heading": hit.chunk.heading,
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


def feedback_store(settings: Settings) -> str:
    """The file or database URL that the settings name; a file in the build folder where they name none."""
    return settings.feedback or str(Path(settings.build) / "feedback.sqlite3")


def add_feedback(store: str | Path, feedback: Feedback) -> None:
    """Appends one row; makes the file, and its folder, where there is none. Raises ValueError or OSError.

    `store` is a path, or a URL of SQLAlchemy such as "postgresql+psycopg://user@host/name".
    """
    add_all_feedback(store, [feedback])


def add_all_feedback(store: str | Path, rows: Iterable[Feedback]) -> None:
    """Appends all rows or, where one of them is no feedback, none."""
    values = [_values(row) for row in rows]
    if values:
        open_tables().append_rows(store, values)


def read_feedback(store: str | Path) -> list[Feedback]:
    """Every row, the oldest first; none where there is no store yet. Raises ValueError for a damaged file."""
    return [_from_row(row) for row in open_tables().stored_rows(store)]


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def _values(feedback: Feedback) -> dict[str, Any]:
    if feedback.thumb not in get_args(Thumb):
        raise ValueError(f"Unknown thumb {feedback.thumb!r}; choose one of ['up', 'down'].")
    if not feedback.question.strip():
        raise ValueError("Feedback needs the question that was answered; it is empty.")
    found = asdict(feedback) | {"time": feedback.time or now()}
    found |= {name: json.dumps(list(found[name]), ensure_ascii=False) for name in _JSON}
    del found["id"]
    return found


def _from_row(row: Mapping[str, Any]) -> Feedback:
    lists = {name: tuple(json.loads(row.get(name) or "[]")) for name in _JSON}
    return Feedback(**{**row, **lists, "refused": bool(row["refused"])})


def open_tables() -> Any:
    """The database side, `apps.feedback_tables`. Raises ImportError naming what an installation lacks."""
    try:
        from apps import feedback_tables
    except ModuleNotFoundError as error:
        raise ImportError(
            f"Feedback needs {error.name}: pip install 'llm-adaptation-advisor[feedback]'"
        ) from error
    return feedback_tables
