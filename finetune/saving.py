"""Puts a finished adapter in its place: weights, tokenizer, figures, picture, and last the card."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from finetune import run_folder
from finetune.adapters import write_card
from finetune.curve import CURVE, draw_curve
from finetune.metrics_log import METRICS, read_metrics
from finetune.objectives import Job
from finetune.processes import is_first, is_sharded
from finetune.schema import AdapterCard
from finetune.together import by_first, in_all
from finetune.told import Told


def save(job: Job, card: AdapterCard, folder: Path, told: Told) -> str:
    """Writes the whole adapter beside its place, then swaps it in: an old one stays usable up to that moment.

    One that may not take that place is put beside it; returns where it lies.
    """
    told.progress("save", 0, 1)
    staging = by_first(lambda: _cleared(folder / "finished", job, card))
    if is_sharded():
        in_all(lambda: _gather(job, staging))
    else:
        by_first(lambda: job.save(staging))
    place = by_first(lambda: str(_put_in_place(card, folder, staging, told)))
    told.progress("save", 1, 1)
    return place


def _cleared(staging: Path, job: Job, card: AdapterCard) -> Path:
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    for settings in getattr(job.trainer.model, "peft_config", {}).values():
        settings.base_model_name_or_path = card.base_model  # not this machine's path to it
    return staging


def _gather(job: Job, staging: Path) -> None:
    """Each process holds a part of the model, so all take part; what the others write is thrown away."""
    with TemporaryDirectory() as scratch:
        job.save(staging if is_first() else Path(scratch))


def _put_in_place(card: AdapterCard, folder: Path, staging: Path, told: Told) -> Path:
    # peft's form, unfilled; the card says what there is to say.
    (staging / "README.md").unlink(missing_ok=True)
    _save_figures(card, folder, staging, told)
    write_card(card, staging)
    out = Path(card.config["out"])
    place = out.with_name(out.name + ".set-aside") if card.set_aside else out
    run_folder.publish(staging, place, folder)
    return place


def _save_figures(card: AdapterCard, folder: Path, staging: Path, told: Told) -> None:
    """metrics.jsonl, the curve, and what TensorBoard reads."""
    if (folder / "runs").is_dir():
        shutil.copytree(folder / "runs", staging / "runs")
    lines = read_metrics(folder / METRICS)
    if not lines:
        return
    shutil.copy(folder / METRICS, staging / METRICS)
    try:
        draw_curve(lines, int(card.stopped["kept_step"]), staging / CURVE)
    except ImportError as missing:
        told.say(str(missing))
