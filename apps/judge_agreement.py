"""How far a judge agrees with people's thumbs: the share of equal verdicts and Cohen's kappa, each with an interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from apps.feedback import Feedback
from apps.judge import Limit, Unread, compare
from apps.judges import Compared, Judge
from apps.kept_lines import KeptLines
from apps.preferences import preferences
from apps.sampled_answers import Progress, digest

WORDS = ("first", "second", "neither")  # of pairs; of thumbs: up is first, down is second
RESAMPLES = 10_000  # Efron and Tibshirani (1993) ask for at least 1,000 for an interval
CELLS = 4_000_000  # of the resampling table at once: 32 MB
Floats = NDArray[np.float64]
Row = Mapping[str, Any]  # as `preferences` makes them
_ASKED = "\n\nQuestion: "  # what stands between the sources and the question of a prompt
Of = Literal["thumbs", "pairs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Over `rows` that both have judged; `unread` more had no verdict. kappa is None where chance alone agrees."""

    of: Of
    rows: int
    questions: int
    unread: int
    share: float
    share_low: float | None = None
    share_high: float | None = None
    kappa: float | None = None
    kappa_low: float | None = None
    kappa_high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One row that people and the judge have judged."""

    question: str
    human: str
    judge: str


JudgedRow = tuple[Compared, Judged | None]


def agreement_with_people(
    feedback: Sequence[Feedback], judge: Judge, kept: KeptLines, limit: Limit, progress: Progress
) -> list[Agreement]:
    """On thumbs, for a judge that grades, and on pairs of answers, where people made any; as they would be exported.

    Raises ValueError where neither can be had, and what `rank_answers` raises.
    """
    thumbs = preferences(feedback, "kto").rows if judge.principles else ()
    pairs = preferences(feedback, "dpo").rows
    if not thumbs and not pairs:
        raise ValueError(_why_none(len(feedback), judge))
    jobs: dict[Of, list[Callable[[], JudgedRow]]] = {
        "thumbs": [partial(_graded, row, judge, kept) for row in thumbs],
        "pairs": [partial(_ranked, pair, judge, kept) for pair in pairs],
    }
    return [_over(of, rows, Unread(judge, limit), progress) for of, rows in jobs.items() if rows]


def _over(of: Of, rows: Sequence[Callable[[], JudgedRow]], unread: Unread, progress: Progress) -> Agreement:
    both: list[Judged] = []
    for at, row in enumerate(rows):
        progress(of, at, len(rows))
        compared, judged = row()
        unread.count(compared)
        both += [judged] if judged is not None else []
    unread.finish()
    progress(of, len(rows), len(rows))
    return measure(of, both, len(rows) - len(both))


def _why_none(rows: int, judge: Judge) -> str:
    if not rows:
        return "The feedback store is empty; people's thumbs come from the chat or 'advisor feedback import'."
    if judge.principles:
        return f"None of {rows} thumbs can be compared; 'advisor feedback export' says why."
    return (
        f"None of {rows} thumbs has a counterpart (an answer to the same question with the other thumb, or a "
        "correction), and a reward model only ranks; collect more, or give a --judge that writes."
    )


def _question(row: Row) -> str:
    """Behind the sources, where a prompt carries some."""
    return str(row["prompt"][-1]["content"].rpartition(_ASKED)[2])


def _graded(row: Row, judge: Judge, kept: KeptLines) -> JudgedRow:
    prompt, answer = row["prompt"], str(row["completion"][-1]["content"])
    key = digest("graded", judge.key, prompt, answer)
    if (known := kept.get(key)) is not None:
        compared = Compared(outcome=known["outcome"], verdicts=tuple(known["verdicts"]))
    else:
        compared = judge.grade(prompt, answer) or Compared(outcome="unread")
        if compared.outcome != "unread":
            kept.put(key, {"outcome": compared.outcome, "verdicts": compared.verdicts, "by": judge.name})
    if compared.outcome not in WORDS:
        return compared, None
    human = "first" if row["label"] else "second"
    return compared, Judged(question=_question(row), human=human, judge=compared.outcome)


def _ranked(row: Row, judge: Judge, kept: KeptLines) -> JudgedRow:
    better, worse = (str(row[name][-1]["content"]) for name in ("chosen", "rejected"))
    # By their hashes, so that the place of the better one says nothing.
    shown = sorted((better, worse), key=digest)
    compared = compare(row["prompt"], shown[0], shown[1], judge, kept)
    if compared.outcome in ("unread", "too_long"):
        return compared, None
    human = "first" if shown[0] == better else "second"
    said = compared.outcome if compared.outcome in WORDS else "neither"
    return compared, Judged(question=_question(row), human=human, judge=said)


def measure(of: Of, rows: Sequence[Judged], unread: int, seed: int = 0) -> Agreement:
    """Questions are drawn for the 95 % interval, not rows: answers to one question are no independent cases."""
    tables = _tables(rows)
    if not rows:
        return Agreement(of=of, rows=0, questions=0, unread=unread, share=float("nan"))
    share, kappa = _scores(tables.sum(0, keepdims=True))
    found: dict[str, float | None] = {"share": float(share[0]), "kappa": _number(kappa[0])}
    if len(tables) > 1:
        shares, kappas = _resampled(tables, seed)
        found |= _interval("share", shares) | (
            _interval("kappa", kappas) if found["kappa"] is not None else {}
        )
    return Agreement(of=of, rows=len(rows), questions=len(tables), unread=unread, **found)  # type: ignore[arg-type]


def _resampled(tables: Floats, seed: int) -> tuple[Floats, Floats]:
    """The scores of each resample of the questions, some at a time: few questions or many thousand."""
    count, random = len(tables), np.random.default_rng(seed)
    size = max(1, CELLS // count)
    parts = [
        _scores(
            np.tensordot(random.multinomial(count, np.full(count, 1 / count), size=some) * 1.0, tables, 1)
        )
        for some in [size] * (RESAMPLES // size) + [RESAMPLES % size] * (RESAMPLES % size > 0)
    ]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _tables(rows: Sequence[Judged]) -> Floats:
    """For each question how often people said this and the judge that."""
    places = {question: at for at, question in enumerate(dict.fromkeys(row.question for row in rows))}
    found = np.zeros((len(places), len(WORDS), len(WORDS)))
    for row in rows:
        found[places[row.question], WORDS.index(row.human), WORDS.index(row.judge)] += 1
    return found


def _scores(tables: Floats) -> tuple[Floats, Floats]:
    """Share of equal verdicts, and kappa = (share - chance) / (1 - chance) (Cohen 1960); nan where chance is 1."""
    total = tables.sum((1, 2))
    share = np.trace(tables, axis1=1, axis2=2) / total
    chance = (tables.sum(1) * tables.sum(2)).sum(1) / total**2
    with np.errstate(invalid="ignore", divide="ignore"):
        return share, np.where(chance < 1, (share - chance) / (1 - chance), np.nan)


def _interval(name: str, values: Floats) -> dict[str, float | None]:
    low, high = np.nanquantile(values, (0.025, 0.975))
    return {f"{name}_low": _number(low), f"{name}_high": _number(high)}


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
