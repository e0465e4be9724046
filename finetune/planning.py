"""What a run would do, told without loading a model: its rows, steps, scorings and memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from finetune import processes
from finetune.data_records import DataReport
from finetune.gathering import refuse_waste
from finetune.objectives import SAMPLING
from finetune.schema import Example, Prediction, TrainConfig
from finetune.steps import all_steps, epoch_steps, scoring_interval
from finetune.training import Predict, checked_run, foretell


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    config: TrainConfig
    rows: int  # to learn
    held_out: int
    general: int  # general rows scored before and after
    sequences: int  # what batches are made of: rows, or packed blocks
    processes: int  # that take part; each takes a batch of its own
    epoch_steps: int
    steps: int
    warmup_steps: int
    scored_every: int | None  # steps; None = only before and after
    memory: Prediction | None
    report: DataReport
    notes: tuple[str, ...]
    stops: str = ""  # why the data would stop the run as it is


def plan_run(examples: Sequence[Example], config: TrainConfig, predict: Predict | None = None) -> RunPlan:
    """The plan of `train` with the same arguments. Raises what `train` would raise before it loads a model."""
    run = checked_run(examples, config)
    counted = run.report.training
    sequences = counted.sequences if counted is not None else len(run.train)
    together = processes.count()
    steps = all_steps(sequences, config, together)
    interval, during = scoring_interval(sequences, config, together), config.objective not in SAMPLING
    return RunPlan(
        config=config,
        rows=len(run.train),
        held_out=len(run.held_out),
        general=len(run.general),
        sequences=sequences,
        processes=together,
        epoch_steps=epoch_steps(sequences, config, together),
        steps=steps,
        warmup_steps=math.ceil(steps * config.warmup_share),
        scored_every=interval if during and run.held_out and interval < steps else None,
        memory=foretell(run, predict),
        report=run.report,
        notes=run.notes,
        stops=_stops(run.report, config),
    )


def _stops(report: DataReport, config: TrainConfig) -> str:
    try:
        refuse_waste(report, config.allow)
    except ValueError as waste:
        return str(waste)
    return ""
