"""The tables of feedback and of its exports, which only grow; who opens them is `apps.feedback_database`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from apps.feedback_database import Store, read, write

METADATA = sa.MetaData()


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False)


FEEDBACK = sa.Table(
    "feedback",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    *(_text(name) for name in ("time", "answer_id", "question", "answer", "hits", "citations")),
    sa.Column("refused", sa.Integer, nullable=False),
    _text("generator"),
    sa.Column("adapter", sa.Text),
    sa.Column("thumb", sa.String(4), sa.CheckConstraint("thumb IN ('up', 'down')"), nullable=False),
    sa.Column("correction", sa.Text),
    _text("history"),
    _text("prompt"),
)
# An export, or that one was undone: taking a mark back is a further row too.
EXPORTS = sa.Table(
    "feedback_exports",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("time"),
    sa.Column("action", sa.String(6), sa.CheckConstraint("action IN ('export', 'undo')"), nullable=False),
    sa.Column("export_id", sa.Integer),  # of an undo: the export whose marks it takes back
    _text("format"),
    sa.Column("rows", sa.Integer, nullable=False),
    _text("file"),
)
EXPORTED = sa.Table(
    "feedback_exported",
    METADATA,
    sa.Column("export_id", sa.Integer, nullable=False, index=True),
    sa.Column("row_key", sa.String(64), nullable=False),
)


def append_rows(store: Store, rows: Iterable[Mapping[str, Any]]) -> None:
    """Appends rows of feedback in one transaction."""
    values = [dict(row) for row in rows]
    write(store, METADATA, lambda connection: connection.execute(FEEDBACK.insert(), values))


def stored_rows(store: Store) -> list[dict[str, Any]]:
    """Rows of feedback, the oldest first, with the columns that the store has; format 1 has fewer."""
    query = sa.text("SELECT * FROM feedback ORDER BY id")
    found = read(store, "feedback", lambda connection: connection.execute(query).mappings().all())
    return [dict(row) for row in found or ()]
