"""Divides feedback into what is learned and what measures, by the question, and says whether it is enough for DPO or
for KTO."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from apps.feedback import Feedback
from apps.numbers_of import numbers_of
from apps.preferences import PreferenceReport, Preferences, preferences

Kind = Literal["dpo", "kto"]
HELD_BACK = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    """A row that measures; rows about one question are no independent evidence."""

    question: str
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What there is of one kind on either side. `report` counts the feedback of both."""

    kind: Kind
    learned: Preferences
    held_out: tuple[HeldRow, ...]
    report: PreferenceReport
    keys: tuple[str, ...]  # of all rows, as the record of exports knows them

    @property
    def questions(self) -> int:
        return len({one.question for one in self.held_out})


def is_held_out(question: str) -> bool:
    """Whether a question measures: by a hash of its words, so that it never changes sides, whatever comes later."""
    digest = hashlib.sha256(_words(question).encode()).digest()
    return int.from_bytes(digest[:4], "big") < float(numbers_of("improve")["held_out"]["share"]) * HELD_BACK


def divide(rows: Sequence[Feedback], kind: Kind, **options: Any) -> Sides:
    """Both sides of `rows`, the oldest first; `options` go to `preferences`."""
    learned = preferences([row for row in rows if not is_held_out(row.question)], kind, **options)
    groups: dict[str, list[Feedback]] = {}
    for row in rows:
        if is_held_out(row.question):
            groups.setdefault(_words(row.question), []).append(row)
    held = {question: preferences(group, kind, **options) for question, group in groups.items()}
    return Sides(
        kind=kind,
        learned=learned,
        held_out=tuple(
            HeldRow(question=question, row=row) for question, found in held.items() for row in found.rows
        ),
        report=preferences(rows, kind, **options).report,
        keys=(*learned.keys, *(key for found in held.values() for key in found.keys)),
    )


def choose(rows: Sequence[Feedback], only: Kind | None = None, **options: Any) -> Sides:
    """DPO where there are pairs enough, else KTO where there are thumbs of both kinds enough.

    `only` asks for one of them. Raises ValueError in one line that says what is missing, and how much of it.
    """
    found: dict[Kind, Sides] = {kind: divide(rows, kind, **options) for kind in _asked(only)}
    lacks = {kind: missing(sides) for kind, sides in found.items()}
    enough: list[Kind] = [kind for kind in found if not lacks[kind]]
    if not enough:
        raise ValueError(_too_little(rows, found, lacks))
    if len(enough) == 2:
        more = float(numbers_of("improve")["enough"]["thumbs_over_pairs"])
        many = len(found["kto"].learned.rows) >= more * len(found["dpo"].learned.rows)
        return found["kto" if many else "dpo"]
    return found[enough[0]]


def _asked(only: Kind | None) -> tuple[Kind, ...]:
    return (only,) if only else ("dpo", "kto")


def missing(sides: Sides) -> list[str]:
    """What a kind lacks, in words; empty where it is enough."""
    needs, fewest = (
        numbers_of("improve")["enough"],
        int(numbers_of("improve")["held_out"]["fewest_questions"]),
    )
    rows = sides.learned.rows
    if sides.kind == "dpo":
        found = [("pairs of answers", len(rows), int(needs["pairs"]))]
    else:
        labels = Counter(bool(row["label"]) for row in rows)
        each = int(needs["fewest_of_a_kind"])
        found = [
            ("answers with a thumb", len(rows), int(needs["thumbs"])),
            ("liked answers", labels[True], each),
            ("disliked answers", labels[False], each),
        ]
        for label, word in ((True, "held-out liked answer"), (False, "held-out disliked answer")):
            found.append((word, sum(bool(one.row["label"]) is label for one in sides.held_out), 1))
    found.append(("held-out questions", sides.questions, fewest))
    return [f"{count} {what} ({least} needed)" for what, count, least in found if count < least]


def _too_little(
    rows: Sequence[Feedback], found: Mapping[Kind, Sides], lacks: Mapping[Kind, Sequence[str]]
) -> str:
    reports = [sides.report for sides in found.values()]
    if not any(sides.learned.rows or sides.held_out for sides in found.values()):
        reasons = Counter[str]()
        for part in reports[-1].reasons.values():
            reasons.update(part)
        said = ", ".join(f"{count} × {reason}" for reason, count in reasons.most_common(2))
        return f"None of the {len(rows)} rows of feedback can be learned from: {said}; nothing was changed."
    ways = [f"for {kind.upper()} there are {', '.join(lack)}" for kind, lack in lacks.items()]
    hint = _one_sided(reports)
    return f"The feedback is too little to learn from: {'; '.join(ways)}. {hint}; nothing was changed."


def _one_sided(reports: Sequence[PreferenceReport]) -> str:
    notes = [note for report in reports for note in report.notes]
    if notes:
        return notes[0][0].upper() + notes[0][1:]
    return "Collect more thumbs and corrections, and run the same command again"


def _words(question: str) -> str:
    from finetune.sameness import normalised

    return normalised(question) or question
