"""Scores a model before and after its training, once each: an interrupted run remembers what it found before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from finetune import run_folder
from finetune.forgetting import forgotten, score_general
from finetune.gains import RowScores, compare
from finetune.gathering import Rows
from finetune.held_out import as_start, score_rows
from finetune.objectives import Job
from finetune.together import by_first
from finetune.told import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    metrics: dict[str, float]  # over all held-out rows
    rows: RowScores  # of single held-out rows
    general: RowScores  # of single general rows


def score_before(job: Job, run: Rows, folder: Path, told: Told) -> Scores:
    """Of what the run starts from: the base, or an earlier adapter. A resumed run reads what its first part found."""
    kept = by_first(lambda: run_folder.read_run(folder))
    if "before" not in kept:
        with as_start(job.trainer.model, run.config):
            kept["before"] = asdict(score(job, run, told))
        by_first(lambda: run_folder.write_run(folder, kept))
    before: Mapping[str, Any] = kept["before"]
    return Scores(
        metrics=before["metrics"], rows=RowScores(**before["rows"]), general=RowScores(**before["general"])
    )


def score(job: Job, run: Rows, told: Told) -> Scores:
    """Of the model as it now is."""
    told.progress("evaluate", 0, 3)
    metrics = job.evaluate()
    told.progress("evaluate", 1, 3)
    rows = score_rows(job, run.held_out, run.config, told)
    told.progress("evaluate", 2, 3)
    general = score_general(job.trainer, run.general, run.config, told)
    told.progress("evaluate", 3, 3)
    return Scores(metrics=metrics, rows=rows, general=general)


def findings(before: Scores, after: Scores, run: Rows) -> dict[str, Any]:
    """The card's fields about what training brought and what it cost."""
    return {
        "metrics_before": before.metrics,
        "metrics_after": after.metrics,
        "gains": compare(before.rows, after.rows, run.config.seed),
        "forgetting": forgotten(before.general, after.general, run.config),
    }
