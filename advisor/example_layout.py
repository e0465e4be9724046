"""How rows of examples are laid out: what is asked in them, what is answered, and what a model would be trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

Row = Mapping[str, Any]
Kind = Literal["qa", "labels", "messages", "text", "unknown"]

QUESTION = ("question", "prompt", "instruction", "query", "input", "问题")
ANSWER = ("answer", "completion", "output", "response", "答案")
TEXT = ("text", "sentence", "headline")
_TURNS = ("messages", "conversations")
_GOOD = ("chosen", "rejected")
_THUMB = ("thumb", "thumbs", "feedback", "rating", "label")
_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("alpaca", "prompt_completion", "qa"), "qa"),
    **dict.fromkeys(("messages", "sharegpt"), "messages"),
    "labels": "labels",
    "text": "text",
}


def layout_of(rows: Sequence[Row]) -> str:
    """The layout by the columns that most rows have; empty where they fit none."""
    counts = Counter(key for row in rows for key in row)
    columns = {key for key, count in counts.items() if count > len(rows) / 2}
    if columns.issuperset(_GOOD):
        return "preference"
    if columns & set(_TURNS):
        return "messages" if "messages" in columns else "sharegpt"
    if {"prompt", "completion"} <= columns:
        return "thumbs" if columns & set(_THUMB) else "prompt_completion"
    if "label" in columns and columns & set(TEXT):
        return "labels"
    if {"instruction", "output"} <= columns:
        return "alpaca"
    if columns & set(QUESTION) and columns & {*ANSWER, "answers"}:
        return "qa"
    return "text" if columns & set(TEXT) else ""


def kind_of(layout: str) -> Kind:
    """Pairs and thumbs are no labelled answers, so they are of no kind."""
    return _KINDS.get(layout, "unknown")


def question_of(row: Row) -> str:
    """What a model is given: the prompt with its input or context, the text to label, or all turns but the last."""
    given = [_whole(row[key]) for key in (*QUESTION, "context", *TEXT) if row.get(key)]
    return "\n".join([*given, *_turns(row)[:-1]])


def answer_of(row: Row) -> str:
    """What it has to say: the answer, the label, the chosen one of two, or the last turn."""
    for key in (*ANSWER, "chosen", "answers", "label"):
        if row.get(key) not in (None, "", []):
            return _text(row[key])
    turns = _turns(row)
    return turns[-1] if turns else ""


def content_of(row: Row) -> str:
    """What a model would be trained on; bookkeeping such as the source of the answer is left out."""
    parts = [_whole(row[key]) for key in (*QUESTION, *ANSWER, *TEXT, "label") if row.get(key)]
    parts += [max(map(_text, (row.get(key) or "" for key in _GOOD)), key=len)] if row.get("chosen") else []
    parts += [_text(row["answers"])] if row.get("answers") and not row.get("answer") else []
    known = "\n".join(part for part in [*parts, *_turns(row)] if part)
    return known or "\n".join(str(value) for value in row.values())


def _turns(row: Row) -> list[str]:
    return next(([_turn(turn) for turn in row[key]] for key in _TURNS if _is_turns(row.get(key))), [])


def _is_turns(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(turn, dict) for turn in value)


def _turn(turn: Mapping[str, Any]) -> str:
    return str(turn.get("content") or turn.get("value") or turn.get("text") or "")


def _whole(value: Any) -> str:
    """All turns of a conversation, or the text that it is."""
    return "\n".join(map(_turn, value)) if _is_turns(value) else _text(value)


def _text(value: Any) -> str:
    """Of several accepted answers the first; SQuAD keeps them as a list of records, or as a record of lists."""
    if isinstance(value, dict):
        value = value.get("text") or value.get("content") or ""
    if isinstance(value, list):
        value = value[-1 if _is_chat(value) else 0] if value else ""
        return _turn(value) if isinstance(value, dict) else str(value)
    return str(value)


def _is_chat(value: Sequence[Any]) -> bool:
    return isinstance(value[0], dict) and "role" in value[0]
