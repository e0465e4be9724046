"""Rows that repeat one another, contradict one another, or stand in both the training and the held-out part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from .example_layout import Row, answer_of, content_of, question_of
from .example_rows import SPLITS
from .plain_words import plain


def count_duplicates(rows: Sequence[Row]) -> int:
    """Rows that say what another row says, case, spaces and punctuation ignored; the first of each is none."""
    return len(rows) - len({plain(content_of(row)) for row in rows})


def count_conflicts(rows: Sequence[Row]) -> int:
    """Questions, or texts to label, that stand there with more than one answer."""
    answers: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        question, answer = plain(question_of(row)), plain(answer_of(row))
        if question and answer:
            answers[question].add(answer)
    return sum(len(found) > 1 for found in answers.values())


def count_leaked(rows: Sequence[Row]) -> int | None:
    """Held-out rows whose question also stands in the training part; None where the rows name no two splits."""
    parts: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        split = SPLITS.get(str(row.get("split") or "").strip().lower(), "held out")
        parts[split].append(plain(question_of(row) or content_of(row)))
    if not parts["train"] or not parts["held out"]:
        return None
    train = set(parts["train"])
    return sum(question in train for question in parts["held out"])
