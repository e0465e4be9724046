"""Rows that repeat one another, contradict one another, or stand in both the training and the held-out part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from .example_layout import Row, answer_of, content_of, question_of
from .example_rows import SPLITS
from .plain_words import folded, plain


def count_duplicates(rows: Sequence[Row]) -> int:
    """Rows that say what another row says, case, spaces and punctuation ignored; the first of each is none."""
    return len(rows) - len({folded(content_of(row)) for row in rows})


def count_conflicts(rows: Sequence[Row]) -> int:
    """Questions, or texts to label, that stand there with more than one answer; 1,200 and 1200 are one."""
    answers: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        question, answer = folded(question_of(row)), answer_of(row).strip()
        if question and answer:
            answers[question].add(answer)
    return sum(len(found) > 1 and len(set(map(plain, found))) > 1 for found in answers.values())


def count_leaked(rows: Sequence[Row]) -> int | None:
    """Held-out rows whose question also stands in the training part; None where the rows name no two splits."""
    splits = [SPLITS.get(str(row.get("split") or "").strip().lower(), "held out") for row in rows]
    if not {"train", "held out"} <= set(splits):
        return None
    asked = [folded(question_of(row) or content_of(row)) for row in rows]
    train = {question for question, split in zip(asked, splits, strict=True) if split == "train"}
    return sum(question in train for question, split in zip(asked, splits, strict=True) if split != "train")
