"""Rows that are one text: with a label, or raw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finetune.schema import Example

Row = Mapping[str, Any]


def written(row: Row, column: str) -> str:
    """A cell as text, not empty. Raises ValueError naming the column."""
    value = row.get(column)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or value != value:
        raise ValueError(f"'{column}' must be text, not {type(value).__name__}.")
    if not str(value).strip():
        raise ValueError(f"'{column}' is empty.")
    return str(value)


def labelled(row: Row) -> Example:
    value = row.get("label")
    label = str(value).lower() if isinstance(value, bool) else written(row, "label").strip()
    return Example(text=written(row, "text"), label=label)


def raw(row: Row) -> Example:
    return Example(text=written(row, "text"))
