"""The one way a run goes: check, prepare, score, fit with checkpoints, score again, save with a card."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from finetune import run_folder
from finetune.adapters import read_card, write_card
from finetune.arguments import trainer_arguments
from finetune.cards import make_card
from finetune.checks import check_config
from finetune.defaults import defaults, learning_rates
from finetune.fitting import fit
from finetune.methods import load_method
from finetune.notices import without_library_warnings
from finetune.objectives import Job, load_objective
from finetune.schema import AdapterCard, Example, TrainConfig, TrainResult
from finetune.splits import data_hash, split_rows
from finetune.support import check_support
from finetune.weights import base_hash, model_config, parameter_count, resolve_model

Progress = Callable[[str, int, int], None]  # stage ("load", "evaluate", "train", "save"), done, total


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """What a run is about, once its inputs were found sound."""

    config: TrainConfig
    base: Path
    train: list[Example]
    held_out: list[Example]
    notes: tuple[str, ...]


def train(examples: Sequence[Example], config: TrainConfig, progress: Progress | None = None) -> TrainResult:
    """Trains on the rows and leaves an adapter (method "full": a whole model) with its card at `config.out`.

    A finished adapter at `out` is refused unless `overwrite`, and then replaced only by the finished new one.
    With `resume` the run goes on from the last complete checkpoint, or begins where there is none; a run that
    is already finished with these settings and rows is returned as it is. Ctrl-C and SIGTERM save a checkpoint
    and raise TrainingInterrupted. Raises ValueError, OSError or ImportError in one line for what can be mended.
    """
    tell = progress or (lambda stage, done, total: None)
    started = time.monotonic()
    check_config(config)
    base = resolve_model(config.model)
    check_support(config.method, config.objective, model_config(base))
    fingerprint = {"base_hash": base_hash(base), "data_hash": data_hash(examples)}
    if (done := _already_finished(config, fingerprint)) is not None:
        return done
    run_folder.claim(config)
    run = _gather(examples, config, base)
    folder, checkpoint = run_folder.open_run(config, fingerprint)
    try:
        job, card, steps = _run(run, fingerprint, folder, checkpoint, tell)
    finally:
        run_folder.sweep(folder)
    return TrainResult(
        path=config.out,
        card=card,
        seconds=time.monotonic() - started,
        steps=steps,
        losses=_losses(job),
        notes=(*run.notes, *job.notes),
    )


def _run(
    run: _Rows, fingerprint: dict[str, str], folder: Path, checkpoint: Path | None, tell: Progress
) -> tuple[Job, AdapterCard, int]:
    """From loading the model to the saved adapter."""
    with without_library_warnings(), run_folder.full_disk_in_one_line(folder):
        job = _prepare(run, folder, tell)
        before = _score_before(job, folder, tell)
        steps = fit(job, folder, checkpoint, tell)
        scores = {"metrics_before": before, "metrics_after": _score(job, tell)}
        card = make_card(run.config, run.base, fingerprint, job, **scores)
        _save(job, card, folder, tell)
    return job, card, steps


def _gather(examples: Sequence[Example], config: TrainConfig, base: Path) -> _Rows:
    usable = load_objective(config.objective).usable
    wanted = [row for row in examples if usable(row)]
    if not wanted:
        has = "labels" if any(row.label is not None for row in examples) else "questions and answers"
        fits = "classify" if has == "labels" else "sft"
        raise ValueError(f"No row fits the objective '{config.objective}': they carry {has}; use '{fits}'.")
    other = len(examples) - len(wanted)
    notes = (f"{other} rows of another kind left out",) if other else ()
    share = defaults()["held_out"]["share" if config.objective == "classify" else "share_sft"]
    rows, held_out, split_notes = split_rows(wanted, share=float(share))
    return _Rows(config=config, base=base, train=rows, held_out=held_out, notes=(*notes, *split_notes))


def _already_finished(config: TrainConfig, fingerprint: dict[str, str]) -> TrainResult | None:
    """The result of an equal run that ended, when asked to resume: repeating a finished command does no harm."""
    out = Path(config.out)
    if not (config.resume and run_folder.is_finished(out)) or run_folder.unfinished(out).is_dir():
        return None
    card = read_card(out)
    same = {"base_hash": card.base_hash, "data_hash": card.data_hash} == fingerprint
    if not same or run_folder.changes(card.config, config):
        raise ValueError(f"'{out}' holds a finished adapter of other settings or rows; choose another --out.")
    return TrainResult(
        path=config.out, card=card, seconds=0.0, steps=0, notes=("already finished: nothing to do",)
    )


def _prepare(run: _Rows, folder: Path, tell: Progress) -> Job:
    from transformers import PrinterCallback, set_seed

    tell("load", 0, 1)
    config = run.config
    method = load_method(config.method)
    set_seed(config.seed)  # a new adapter or head starts from random numbers
    params_b = parameter_count(run.base) / 1e9
    rate = config.learning_rate or learning_rates(config.method, config.objective, params_b)[0]
    arguments, changed = method.arguments(config, trainer_arguments(config, folder, rate))
    job = load_objective(config.objective).prepare(
        run.train, run.held_out, config, run.base, method, arguments
    )
    job = replace(job, notes=(*changed, *job.notes))
    job.trainer.remove_callback(PrinterCallback)  # it prints every loss and score
    for callback in method.callbacks(config):
        job.trainer.add_callback(callback)
    trained = sum(weight.numel() for weight in job.trainer.model.parameters() if weight.requires_grad)
    # Weights, and AdamW's two fp32 moments, of two checkpoints and the final copy; an encoder's are saved whole.
    run_folder.check_room(folder, 3 * 12 * trained)
    tell("load", 1, 1)
    return job


def _score_before(job: Job, folder: Path, tell: Progress) -> dict[str, float]:
    """Scores the untrained model once; a resumed run reads what the first part found."""
    run = run_folder.read_run(folder)
    if "metrics_before" not in run:
        run["metrics_before"] = _score(job, tell)
        run_folder.write_run(folder, run)
    return dict(run["metrics_before"])


def _score(job: Job, tell: Progress) -> dict[str, float]:
    tell("evaluate", 0, 1)
    scores = job.evaluate()
    tell("evaluate", 1, 1)
    return scores


def _losses(job: Job) -> tuple[float, ...]:
    """The loss of every logged step, from the first one also after a resume."""
    return tuple(float(entry["loss"]) for entry in job.trainer.state.log_history if "loss" in entry)


def _save(job: Job, card: AdapterCard, folder: Path, tell: Progress) -> None:
    """Writes the whole adapter beside `out`, then swaps it in: an old one stays usable up to that moment."""
    tell("save", 0, 1)
    staging = folder / "finished"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    for settings in getattr(job.trainer.model, "peft_config", {}).values():
        settings.base_model_name_or_path = card.base_model  # not this machine's path to it
    job.save(staging)
    (staging / "README.md").unlink(
        missing_ok=True
    )  # peft's form, unfilled; the card says what there is to say
    write_card(card, staging)
    run_folder.publish(staging, Path(card.config["out"]))
    tell("save", 1, 1)
