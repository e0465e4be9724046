"""Feedback as rows to train on: likes and dislikes (KTO), pairs (DPO) or answers worth learning (SFT).

People contradict themselves and one another. Of several thumbs on one answer the last holds; of several people the
majority; as many on either side, or answers that are preferred in a circle, say nothing. Each row of feedback is
counted once, under what became of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from apps.feedback import Feedback
from apps.judged_answers import judged
from apps.opinions import Fate, Opinion
from apps.preference_rows import MAKERS

Kind = Literal["kto", "dpo", "sft"]
_ONE_SIDED = {
    True: "every answer is liked: KTO learns from both, so collect some that are disliked",
    False: "every answer is disliked: KTO learns from both, so collect some that are liked",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceReport:
    """What became of `read` rows of feedback: the four counts add up to it; `reasons` divides each of them."""

    read: int = 0
    taken: int = 0  # rows of feedback that stand behind an exported row
    duplicates: int = 0
    contradictions: int = 0
    unusable: int = 0
    reasons: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # count's name -> reason -> rows
    masked: Mapping[str, int] = field(default_factory=dict)  # kind of personal data -> places
    notes: tuple[str, ...] = ()  # what the rows lack as a training set


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """Rows as they are exported; `keys` names each of them for the record of exports."""

    rows: tuple[dict[str, Any], ...]
    report: PreferenceReport
    keys: tuple[str, ...] = ()


def preferences(
    rows: Sequence[Feedback],
    kind: Kind,
    *,
    mask: bool = False,
    context: bool = True,
    prompt_tokens: int | None = None,
) -> Preferences:
    """The rows of one kind that `rows` of feedback, the oldest first, amount to.

    With `context` a prompt holds the sources and the conversation as the generator saw them, within `prompt_tokens`
    where given; without, the conversation alone. `mask` replaces personal data. Raises ValueError for another kind.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"Unknown kind of preferences {kind!r}; choose one of {sorted(get_args(Kind))}.")
    masked: Counter[str] = Counter()
    fates: list[Fate] = []
    opinions: list[Opinion] = []
    holding = _last_of_each_answer(rows)
    for place, row in enumerate(rows):
        if place not in holding:
            fates.append(("duplicates", "a later thumb on the same answer holds"))
            continue
        hidden = _masked(row, masked) if mask else row
        try:
            found = judged(hidden, row, context=context, prompt_tokens=prompt_tokens)
        except ValueError as reason:
            fates.append(("unusable", str(reason)))
        else:
            opinions.append(Opinion(judged=found))
    made = MAKERS[kind](opinions)
    fates += [opinion.fate for opinion in opinions if opinion.fate is not None]
    report = _report(fates, masked, _lacks(kind, [row for _, row in made]))
    return Preferences(
        rows=tuple(row for _, row in made), keys=tuple(f"{kind}-{key}" for key, _ in made), report=report
    )


def _last_of_each_answer(rows: Sequence[Feedback]) -> set[int]:
    """Places of the rows that hold; rows without an id stand each for an answer of its own."""
    last = {row.answer_id: place for place, row in enumerate(rows) if row.answer_id}
    return {*last.values(), *(place for place, row in enumerate(rows) if not row.answer_id)}


def _masked(row: Feedback, counted: Counter[str]) -> Feedback:
    from apps.personal_masks import mask_feedback

    hidden, found = mask_feedback(row)
    counted.update(found)
    return hidden


def _report(fates: Sequence[Fate], masked: Mapping[str, int], notes: tuple[str, ...]) -> PreferenceReport:
    reasons: dict[str, Counter[str]] = {}
    for count, reason in fates:
        reasons.setdefault(count, Counter())[reason] += 1
    sums = {count: sum(found.values()) for count, found in reasons.items()}
    return PreferenceReport(
        read=len(fates),
        taken=sums.get("taken", 0),
        duplicates=sums.get("duplicates", 0),
        contradictions=sums.get("contradictions", 0),
        unusable=sums.get("unusable", 0),
        reasons={count: dict(found) for count, found in reasons.items()},  # asdict cannot copy a Counter
        masked=dict(masked),
        notes=notes,
    )


def _lacks(kind: Kind, rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What a training run would miss in the rows."""
    labels = {row["label"] for row in rows} if kind == "kto" else set()
    return (_ONE_SIDED[labels.pop()],) if len(labels) == 1 else ()
