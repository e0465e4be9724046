"""What a run is about: the rows that it learns and those that it is scored on, once they were found sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from finetune.data_report import DataReport, check_data, commonest_kind
from finetune.general_set import GeneralRow, general_rows, replay_rows
from finetune.objectives import SAMPLING, load_objective
from finetune.schema import Example, TrainConfig
from finetune.splits import data_hash, held_out_share, split_rows
from finetune.starting import start_print
from finetune.support import WRITING
from finetune.weights import base_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    config: TrainConfig
    base: Path
    train: list[Example]
    held_out: list[Example]
    choosing: list[Example]  # 'dev' rows beside 'test' rows: they say when to stop
    general: list[GeneralRow]
    report: DataReport
    notes: tuple[str, ...]
    fingerprint: dict[str, str]  # of the base and of all that is learned
    made_from: dict[str, Any] = field(default_factory=dict)  # for the card: what the rows were made of


def gather(examples: Sequence[Example], config: TrainConfig, base: Path) -> Rows:
    """Raises ValueError where no row fits, or where the data would waste the training and was not allowed to."""
    wanted, notes = _fitting(examples, config)
    share, chosen = held_out_share(config.objective), config.objective not in SAMPLING
    rows, held_out, split_notes = split_rows(wanted, share=share, choosing=chosen)
    replayed, said = replay_rows(config, len(rows))
    report = check_data(rows, held_out, config, base)
    return Rows(
        config=config,
        base=base,
        train=[*rows, *(replace(row, split="train") for row in replayed)],
        held_out=held_out,
        choosing=[row for row in wanted if row.split == "dev"]
        if chosen and held_out[:1] and held_out[0].split == "test"
        else [],
        general=general_rows(config) if config.objective in WRITING else [],
        report=report,
        notes=tuple(dict.fromkeys([*notes, *split_notes, *([said] if said else []), *_findings(report)])),
        fingerprint={
            "base_hash": base_hash(base),
            "data_hash": data_hash([*examples, *replayed]),
            **start_print(config),
        },
    )


def _fitting(examples: Sequence[Example], config: TrainConfig) -> tuple[list[Example], list[str]]:
    usable = load_objective(config.objective).usable
    wanted = [row for row in examples if usable(row)]
    if not wanted:
        kind, fits = commonest_kind(examples)
        cure = f"use '{fits}'" if fits else "nothing here learns from them yet"
        raise ValueError(f"No row fits the objective '{config.objective}': they are {kind}; {cure}.")
    other = len(examples) - len(wanted)
    return wanted, [f"{other} rows of another kind left out"] if other else []


def _findings(report: DataReport) -> list[str]:
    return [finding.message for finding in report.findings]


def refuse_waste(report: DataReport, allow: Sequence[str]) -> None:
    """Raises ValueError for findings that would waste the training, unless each is allowed by its key."""
    stopping = [one for one in report.blocking if one.fatal or one.key not in allow]
    if not stopping:
        return
    first = stopping[0]
    message = first.message.rstrip(".")
    if first.fatal:
        raise ValueError(f"{message}.")
    others = (
        f" ({len(stopping) - 1} more: {', '.join(one.key for one in stopping[1:])})" if stopping[1:] else ""
    )
    keys = " ".join(f"--allow {one.key}" for one in stopping if not one.fatal)
    raise ValueError(
        f"The data would waste the training: {message}{others}. Mend it, or train all the same with {keys}."
    )
