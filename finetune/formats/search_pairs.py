"""Rows that teach a search: a question, passages that answer it, and passages that only look like it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finetune.formats.plain import written
from finetune.schema import Example

Row = Mapping[str, Any]


def search_pair(row: Row) -> Example:
    """Raises ValueError where a passage is no text, or is given both as an answer and as none."""
    positives, negatives = _passages(row, "positive"), _passages(row, "negatives")
    if not positives:
        raise ValueError("'positive' is empty; a row needs a passage that answers its question.")
    both = set(positives) & set(negatives)
    if both:
        raise ValueError(f"'{_short(min(both))}' is among the positives and the negatives; choose one.")
    return Example(question=written(row, "question").strip(), positives=positives, negatives=negatives)


def _passages(row: Row, column: str) -> tuple[str, ...]:
    """One text or a list of them; each once, in order."""
    value = row.get(column)
    if value is None or value == "":
        return ()
    texts = [written({column: text}, column) for text in (value if isinstance(value, list) else [value])]
    return tuple(dict.fromkeys(texts))


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"
