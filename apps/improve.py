"""One turn of the loop: feedback becomes rows, rows a candidate, and the candidate the adapter only if it is better
than the one in place and nothing that was measured became worse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.improve_begin import Report, Say, change_of, prepare, taken_up
from apps.improve_round import COMPARED, REPORT, Place, Round, alone, rounds_home
from apps.improve_verdict import Verdict, verdict
from apps.improve_wish import Wish

if TYPE_CHECKING:
    from finetune import AdapterCard, Example


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who hears of a round while it goes on, as `finetune.train` tells it."""

    progress: Callable[[str, int, int], None] = lambda stage, done, total: None
    say: Say = lambda line: None
    on_step: Callable[[Any], None] = lambda figures: None


def improve(wish: Wish, told: Listeners | None = None) -> Report:
    """Runs a round, or what is left of one that was interrupted; returns its report, which is kept beside its rows.

    `report["promoted"]` says whether the candidate took the place, `report["why"]` why or why not. Raises ValueError,
    OSError or ImportError in one line for what is missing; nothing was changed then. Raises TrainingInterrupted once
    a checkpoint is written.
    """
    told = told or Listeners()
    if not rounds_home(wish.adapter).is_dir():
        prepare(wish)  # a mistake leaves no folder behind
    with alone(wish.adapter):
        found = taken_up(wish, told.say)
        if isinstance(found, dict):
            return found
        return _promoted_before(wish, *found) or _carried_out(wish, *found, told)


def _carried_out(wish: Wish, place: Place, about: Round, told: Listeners) -> Report:
    """From the rows to the report; each step is taken up where it was done before."""
    from apps.improve_train import train_candidate

    task = task_rows(wish.examples)  # a mistake in the file is told before anything is trained
    listeners = {"progress": told.progress, "say": told.say, "on_step": told.on_step}
    trained = train_candidate(place, about, wish.allow, listeners)
    compared = _compared(wish, place, about, task, told)
    found = verdict(compared, wish.max_forgetting)
    report: Report = {
        "round": place.name,
        "adapter": about.adapter,
        "model": about.model,
        "kind": about.kind,
        "promoted": False,
        "why": found.why,
        "objections": list(found.objections),
        "new": about.new,
        "feedback": dict(about.feedback),
        "export": about.export,
        "candidate": str(place.candidate),
        "trained": {
            "rows": trained.card.rows,
            "before": trained.card.metrics_before,
            "after": trained.card.metrics_after,
        },
        "compared": compared,
        "max_forgetting": wish.max_forgetting,
    }
    return _decided(wish, place, found, report)


def _trained(card: AdapterCard) -> Report:
    return {"rows": card.rows, "before": card.metrics_before, "after": card.metrics_after}


def _decided(wish: Wish, place: Place, found: Verdict, report: Report) -> Report:
    from finetune.versions import promote

    if found.better and wish.promote:
        figures = {name: report["compared"][name] for name in ("moved", "ranking", "task", "forgetting")}
        change = promote(place.candidate, wish.adapter, why=found.why, metrics=figures, source=place.name)
        report |= {"promoted": True, "version": change.number, "replaced": change.replaced}
        report |= {"candidate": str(wish.adapter)}
    elif found.better:
        report |= {"withheld": True, "why": f"not promoted, as asked (--no-promote), though {found.why}"}
    place.write(REPORT, report)
    return report


def _compared(
    wish: Wish, place: Place, about: Round, task: Sequence[Example], told: Listeners
) -> dict[str, Any]:
    """What both were measured to be; measured again where other questions are asked."""
    from apps.improve_compare import Asked, compare

    general = wish.training.get("general")
    on = {"examples": wish.examples, "rows": len(task), "general": general}
    kept = place.read(COMPARED)
    if kept is not None and kept["on"] == on:
        return {**kept["found"]}
    asked = Asked(held_out=place.held_out(), task=task, general=general)
    current = about.adapter if about.start else None
    found = compare(about.model, current, str(place.candidate), asked, told.say, told.progress)
    place.write(COMPARED, {"on": on, "found": found})
    return found


def task_rows(examples: str | None) -> list[Example]:
    """Questions with answers of a file: its held-out rows where it names some, else the first. Raises ValueError."""
    from apps.numbers_of import numbers_of
    from finetune import load_examples

    if examples is None:
        return []
    rows = [row for row in load_examples(examples) if row.messages and row.thumb is None and not row.chosen]
    if not rows:
        raise ValueError(
            f"'{examples}' holds no questions with answers; give a file of such, or leave it out."
        )
    held = [row for row in rows if row.split == "test"] or [row for row in rows if row.split == "dev"]
    return (held or rows)[: int(numbers_of("improve")["gate"]["task_rows"])]


def _promoted_before(wish: Wish, place: Place, about: Round) -> Report | None:
    change = change_of(wish.adapter, place)
    if change is None:
        return None
    compared = (place.read(COMPARED) or {}).get("found", {})
    report: Report = {
        "round": place.name, "adapter": about.adapter, "model": about.model, "kind": about.kind, "promoted": True,
        "why": change.why, "objections": [], "new": about.new, "feedback": dict(about.feedback),
        "export": about.export, "candidate": about.adapter, "compared": compared, "version": change.number,
        "replaced": change.replaced, "max_forgetting": wish.max_forgetting,
    }  # fmt: skip
    place.write(REPORT, report)
    return report
