"""Reads files of pairs, thumbs and conversations into the store, in the formats that training reads too.

A pair becomes a dislike of the rejected answer with the chosen one as its correction, an answer to learn a like. The
prompt is kept word for word. What the store says already, be it imported or exported from it, is skipped.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.feedback import Feedback, add_all_feedback, read_feedback
from apps.preferences import Kind, preferences

if TYPE_CHECKING:
    from finetune import Example

Turn = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did: rows added, rows that were there already, and what cannot be feedback, by reason."""

    added: int
    there: int
    unusable: Mapping[str, int]


def import_feedback(store: str | Path, file: str | Path, *, allow: Collection[str] = ()) -> Imported:
    """Adds all rows of a file that are new, or none. Raises what `finetune.load_examples` raises."""
    from finetune import load_examples

    unusable: Counter[str] = Counter()
    rows: dict[str, tuple[Kind, Feedback]] = {}
    repeated = 0
    for example in load_examples(file, allow=allow):
        try:
            kind, row = feedback_of(example)
        except ValueError as reason:
            unusable[str(reason)] += 1
        else:
            repeated += row.answer_id in rows
            rows[row.answer_id] = kind, row
    if unusable and not rows:
        raise ValueError(
            f"{file} holds no feedback: {', '.join(f'{n} {why}' for why, n in unusable.items())}."
        )
    known = _Known(read_feedback(store))
    fresh = [row for kind, row in rows.values() if not known.says(kind, row)]
    add_all_feedback(store, fresh)
    return Imported(added=len(fresh), there=repeated + len(rows) - len(fresh), unusable=unusable)


def feedback_of(example: Example) -> tuple[Kind, Feedback]:
    """The feedback that a training row amounts to, and its kind. Raises ValueError saying why it is none."""
    if example.chosen:
        if len(example.chosen) > 1 or len(example.rejected) > 1:
            raise ValueError("a pair whose answers are more than one turn each")
        chosen, rejected = (ending[-1]["content"] for ending in (example.chosen, example.rejected))
        return "dpo", _feedback(example.messages, rejected, up=False, correction=chosen)
    if not example.messages:
        raise ValueError("a text or label and no answer to a question")
    kind: Kind = "sft" if example.thumb is None else "kto"
    *prompt, last = example.messages
    return kind, _feedback(prompt, last["content"], up=example.thumb is not False)


def _feedback(turns: Sequence[Turn], answer: str, *, up: bool, correction: str | None = None) -> Feedback:
    prompt = tuple({"role": turn["role"], "content": turn["content"]} for turn in turns)
    asked = [turn["content"] for turn in prompt if turn["role"] == "user"]
    if not asked:
        raise ValueError("an answer without the question that was asked")
    said = json.dumps([prompt, answer, up, correction])
    return Feedback(
        question=asked[-1],
        answer=answer,
        thumb="up" if up else "down",
        correction=correction,
        prompt=prompt,
        answer_id=f"import-{sha256(said.encode()).hexdigest()[:32]}",  # the same row again is the same answer
    )


class _Known:
    """What a store says already: rows that were imported, and rows as any export of it would write them."""

    def __init__(self, rows: Sequence[Feedback]) -> None:
        self._rows = rows
        self._imported = {row.answer_id for row in rows}
        self._exported: dict[Kind, set[str]] = {}

    def says(self, kind: Kind, row: Feedback) -> bool:
        if row.answer_id in self._imported:
            return True
        if kind not in self._exported:
            self._exported[kind] = {
                _as_text(found)
                for mask, context in product((False, True), repeat=2)
                for found in preferences(self._rows, kind, mask=mask, context=context).rows
            }
        return any(_as_text(found) in self._exported[kind] for found in preferences([row], kind).rows)


def _as_text(row: Mapping[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)
