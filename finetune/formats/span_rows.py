"""Rows that teach reading: a question, the passage that it is about, and where in it the answers stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finetune.formats.plain import written
from finetune.schema import Example

Row = Mapping[str, Any]
Answer = tuple[str, int | None]  # text and where it is said to begin


def spans(row: Row) -> Example:
    """A row without answers is a question that the passage does not answer. Raises ValueError."""
    passage = written(row, "context")
    answers = [] if _says_none(row) else _answers(row.get("answers"), row.get("answer_start"))
    places = dict.fromkeys(_place(passage, text, start) for text, start in answers)
    return Example(question=written(row, "question").strip(), context=passage, answers=tuple(places))


def _says_none(row: Row) -> bool:
    return _is(row, "answerable", "false", "0", "no") or _is(row, "is_impossible", "true", "1", "yes")


def _is(row: Row, column: str, *words: str) -> bool:
    return str(row.get(column, "")).strip().lower() in words


def _answers(value: Any, start: Any = None) -> list[Answer]:
    """SQuAD's forms: [{"text": ..., "answer_start": ...}] or {"text": [...], "answer_start": [...]}; or texts alone."""
    if isinstance(value, Mapping):
        texts, starts = value.get("text"), value.get("answer_start")
        if isinstance(texts, (list, tuple)):
            places = starts if isinstance(starts, (list, tuple)) else [None] * len(texts)
            if len(places) != len(texts):
                raise ValueError(
                    f"'answers' holds {len(texts)} texts and {len(places)} positions; as many are needed."
                )
            return [one for text, at in zip(texts, places, strict=True) for one in _answers(text, at)]
        return _answers(texts, starts)
    if isinstance(value, (list, tuple)):
        return [one for each in value for one in _answers(each)]
    if value is None or not str(value).strip():
        return []
    return [(str(value).strip(), int(start) if str(start).isdecimal() else None)]


def _place(passage: str, text: str, start: int | None) -> tuple[int, int]:
    """Where the text stands nearest to where it is said to: positions are often those of another version."""
    at = passage.find(text) if start is None else _nearest(passage, text, start)
    if at < 0:
        short = text if len(text) <= 60 else f"{text[:57]}..."
        raise ValueError(
            f"the answer '{short}' does not stand in 'context'; a reader can only mark what is there."
        )
    return at, at + len(text)


def _nearest(passage: str, text: str, start: int) -> int:
    """-1 where it stands nowhere."""
    if passage.startswith(text, start):
        return start
    before, after = passage.rfind(text, 0, start + len(text)), passage.find(text, start)
    if before < 0 or after < 0:
        return max(before, after)
    return before if start - before <= after - start else after
