"""The one way a run goes: check, prepare, score, fit with checkpoints, score again, save with a card."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from finetune import run_folder
from finetune.adapters import read_card, write_card
from finetune.defaults import defaults, learning_rates
from finetune.methods import METHODS, load_method
from finetune.notices import without_library_warnings
from finetune.objectives import OBJECTIVES, Job, load_objective
from finetune.schema import AdapterCard, Example, TrainConfig, TrainResult
from finetune.splits import data_hash, split_rows
from finetune.stopping import StopRequest, TrainingInterrupted
from finetune.weights import base_hash, parameter_count, resolve_model

Progress = Callable[[str, int, int], None]  # stage ("load", "evaluate", "train", "save"), done, total
LIBRARIES = ("torch", "transformers", "peft", "trl", "accelerate", "bitsandbytes")


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
    _check(config)
    base = resolve_model(config.model)
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
        steps = _fit(job, folder, checkpoint, tell)
        card = _card(run, fingerprint, job, before, _score(job, tell))
        _save(job, card, folder, tell)
    return job, card, steps


def _check(config: TrainConfig) -> None:
    """Everything that needs no library and no model, so that a mistake is told at once."""
    if config.method not in METHODS:
        raise ValueError(f"Unknown method '{config.method}'; choose one of {sorted(METHODS)}.")
    if config.objective not in OBJECTIVES:
        raise ValueError(f"Unknown objective '{config.objective}'; choose one of {sorted(OBJECTIVES)}.")
    for name in ("epochs", "batch_size", "accumulation", "lora_rank", "lora_alpha", "save_steps"):
        if not getattr(config, name) > 0:
            raise ValueError(f"{name} is {getattr(config, name)}; it must be more than 0.")
    if config.max_length < 8:
        raise ValueError(f"max_length is {config.max_length}; a row needs at least 8 tokens.")
    if config.max_steps is not None and config.max_steps < 1:
        raise ValueError(f"max_steps is {config.max_steps}; it must be at least 1.")
    if config.learning_rate is not None and not 0 < config.learning_rate < 1:
        raise ValueError(f"learning_rate is {config.learning_rate}; it must lie between 0 and 1 (e.g. 2e-4).")
    for name in ("warmup_share", "lora_dropout"):
        if not 0 <= getattr(config, name) < 1:
            raise ValueError(f"{name} is {getattr(config, name)}; it must lie between 0 and 1.")


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
    arguments = _arguments(config, folder, rate)
    job = load_objective(config.objective).prepare(
        run.train, run.held_out, config, run.base, method, arguments
    )
    job.trainer.remove_callback(PrinterCallback)  # it prints every loss and score
    trained = sum(weight.numel() for weight in job.trainer.model.parameters() if weight.requires_grad)
    # Weights, and AdamW's two fp32 moments, of two checkpoints and the final copy; an encoder's are saved whole.
    run_folder.check_room(folder, 3 * 12 * trained)
    tell("load", 1, 1)
    return job


def _arguments(config: TrainConfig, folder: Path, rate: float) -> dict[str, Any]:
    """What every objective's trainer is given. Single precision on a CPU, bf16 autocast where a card has it."""
    import torch

    cuda = torch.cuda.is_available()
    schedule = defaults()["schedule"]
    # Saves most of the activations' memory for about a third more time; on a CPU memory is rarely the limit.
    checkpointing = config.gradient_checkpointing
    if checkpointing is None:
        checkpointing = cuda and config.objective != "classify"
    return {
        "output_dir": str(folder),
        "per_device_train_batch_size": config.batch_size,
        "per_device_eval_batch_size": config.batch_size,
        "eval_accumulation_steps": 1,  # else the logits of the whole set stay on the card
        "gradient_accumulation_steps": config.accumulation,
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps or -1,
        "learning_rate": rate,
        "lr_scheduler_type": schedule["kind"],
        "warmup_steps": config.warmup_share,  # below 1 it is a share of all steps
        "weight_decay": schedule["weight_decay"],
        "max_grad_norm": schedule["max_grad_norm"],
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": config.save_steps,
        "save_total_limit": 2,  # while the newest is written the one before stays
        "seed": config.seed,
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": cuda,
        "bf16": cuda and torch.cuda.is_bf16_supported(),
        "gradient_checkpointing": checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False} if checkpointing else None,
    }


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


def _fit(job: Job, folder: Path, checkpoint: Path | None, tell: Progress) -> int:
    """Trains to the end and returns the steps. Raises TrainingInterrupted once a checkpoint is written."""
    from finetune.callbacks import Watch

    if checkpoint is not None and run_folder.at_the_end(checkpoint):
        return _take_up(job, checkpoint)  # the Trainer would take one step too many
    try:
        with StopRequest() as stop:
            job.trainer.add_callback(Watch(stop, tell))
            job.trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except TrainingInterrupted:
        raise
    except KeyboardInterrupt:
        raise TrainingInterrupted(_how_to_go_on(folder, job)) from None
    if stop.requested:
        raise TrainingInterrupted(_how_to_go_on(folder, job))
    return int(job.trainer.state.global_step)


def _take_up(job: Job, checkpoint: Path) -> int:
    """The weights and history of a run that was stopped at its last step."""
    from transformers import TrainerState

    job.trainer._load_from_checkpoint(str(checkpoint))
    job.trainer.state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
    return int(job.trainer.state.global_step)


def _how_to_go_on(folder: Path, job: Job) -> str:
    state = job.trainer.state
    found = run_folder.checkpoint(folder.with_name(folder.name.removesuffix(".unfinished")))
    saved = (
        f"'{found}' is kept; run the same command with --resume to go on"
        if found
        else "no checkpoint was due yet"
    )
    return f"Training stopped at step {state.global_step} of {state.max_steps}: {saved}."


def _losses(job: Job) -> tuple[float, ...]:
    """The loss of every logged step, from the first one also after a resume."""
    return tuple(float(entry["loss"]) for entry in job.trainer.state.log_history if "loss" in entry)


def _card(
    run: _Rows, fingerprint: dict[str, str], job: Job, before: dict[str, float], after: dict[str, float]
) -> AdapterCard:
    weights = list(job.trainer.model.parameters())
    trained = sum(weight.numel() for weight in weights if weight.requires_grad)
    # Counted on disk where a base is frozen: 4-bit weights are packed two to a number.
    frozen = any(not weight.requires_grad for weight in weights)
    return AdapterCard(
        base_model=run.config.model,
        base_hash=fingerprint["base_hash"],
        method=run.config.method,
        objective=run.config.objective,
        trainable_params=trained,
        total_params=trained + (parameter_count(run.base) if frozen else 0),
        rows=job.rows,
        data_hash=fingerprint["data_hash"],
        metrics_before=before,
        metrics_after=after,
        config=asdict(run.config),
        libraries=_versions(),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        labels=job.labels,
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


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
