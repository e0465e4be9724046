"""Divides rows into those that are learned and those that measure, the same way every time."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Sequence

from finetune.defaults import defaults
from finetune.objectives import JUDGED
from finetune.sameness import asked, normalised
from finetune.schema import Example


def data_hash(examples: Sequence[Example]) -> str:
    """SHA-256 of the rows' content and split, in order."""
    digest = hashlib.sha256()
    for row in examples:
        digest.update(f"{_content(row)}\t{row.split}\n".encode())
    return digest.hexdigest()


def split_rows(
    examples: Sequence[Example], *, share: float, choosing: bool = True
) -> tuple[list[Example], list[Example], tuple[str, ...]]:
    """Training rows, held-out rows and notes.

    The file's own "test" rows are held out, else its "dev" rows, else `share` of each label, chosen by
    what is asked: the same row falls on the same side in every run, and rows with the same question, however
    answered or spelt, fall on the same side. `choosing`: "dev" rows beside "test" rows choose the weights.
    """
    named = {name: [row for row in examples if row.split == name] for name in ("train", "dev", "test")}
    held = named["test"] or named["dev"]
    if not named["train"]:
        raise ValueError("No row has the split 'train'; there is nothing to learn from.")
    if held:
        notes = []
        if named["test"] and named["dev"]:
            part = "choose the weights that are kept" if choosing else "are not used"
            notes.append(f"{len(named['dev'])} 'dev' rows {part}; the 'test' rows are scored")
        return named["train"], held, tuple(notes)
    fewest = int(defaults()["held_out"]["fewest_rows"])
    if len(examples) < fewest:
        return named["train"], [], (f"fewer than {fewest} rows: none held out, so nothing was scored",)
    chosen = _chosen(named["train"], share)
    train = [row for row in named["train"] if _question(row) not in chosen]
    held = [row for row in named["train"] if _question(row) in chosen]
    if not held:
        return train, [], ("the rows ask too few questions to hold one out, so nothing was scored",)
    return (
        train,
        held,
        (f"{len(held)} of {len(examples)} rows held out by content (the file names no split)",),
    )


def held_out_share(objective: str) -> float:
    """Of the rows, where a file names no split."""
    scored_as_labels = (
        objective == "classify" or objective in JUDGED
    )  # right or wrong, so that few rows tell little
    return float(defaults()["held_out"]["share" if scored_as_labels else "share_sft"])


def _chosen(rows: Sequence[Example], share: float) -> set[str]:
    by_label: dict[str | bool | None, set[str]] = defaultdict(set)
    for row in rows:
        by_label[row.label if row.thumb is None else row.thumb].add(_question(row))
    chosen: set[str] = set()
    for contents in by_label.values():
        count = min(math.ceil(share * len(contents)), len(contents) - 1)  # each label keeps a training row
        chosen.update(sorted(contents, key=lambda text: hashlib.sha256(text.encode()).digest())[:count])
    return chosen


def _question(row: Example) -> str:
    """By which rows stay together; of questions about passages the passage."""
    return normalised(row.context or asked(row)) or _content(row)


def _content(row: Example) -> str:
    judged = [row.chosen, row.rejected, row.thumb] if row.chosen or row.thumb is not None else []
    marked = [row.question, row.context, row.answers] if row.context else []
    searched = [row.question, row.positives, row.negatives] if row.positives else []
    content = [row.messages, row.text, row.label, *judged, *marked, *searched]
    return json.dumps(content, ensure_ascii=False, sort_keys=True)
