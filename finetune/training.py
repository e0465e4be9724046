"""The one way a run goes: check, prepare, score, fit with checkpoints, score again, save with a card."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from finetune import processes, run_folder
from finetune.adapters import read_card
from finetune.checks import check_config
from finetune.gathering import Rows, gather, refuse_waste
from finetune.launch_checks import check_launch
from finetune.notices import without_library_warnings
from finetune.reporters import check_reporters
from finetune.schema import AdapterCard, Example, Prediction, TrainConfig, TrainResult
from finetune.starting import check_start, with_shape
from finetune.support import check_support
from finetune.together import by_first, greatest, in_all, joined
from finetune.told import Progress, Say, StepFigures, Told
from finetune.usual import with_usual
from finetune.weights import model_config, resolve_model

Predict = Callable[[TrainConfig, int], "Prediction | None"]  # settings, tokens of the longest row


def train(
    examples: Sequence[Example],
    config: TrainConfig,
    progress: Progress | None = None,
    *,
    say: Say | None = None,
    on_step: Callable[[StepFigures], None] | None = None,
    predict: Predict | None = None,
    made_from: Mapping[str, Any] | None = None,
) -> TrainResult:
    """Trains on the rows and leaves an adapter (method "full": a whole model) with its card at `config.out`.

    A finished adapter at `out` is refused unless `overwrite`, and then replaced only by the finished new one.
    With `resume` the run goes on from the last complete checkpoint, or begins where there is none; a run that
    is already finished with these settings and rows is returned as it is. Ctrl-C and SIGTERM save a checkpoint
    and raise TrainingInterrupted. Raises ValueError, OSError or ImportError in one line for what can be mended.

    `say` hears what a person should know at once, `on_step` each step's figures; `predict` foretells the peak of
    memory; `made_from` goes into the card. An adapter that forgot more than `max_forgetting` lies beside `out`, and
    its card says why.

    Called by each process that torchrun or accelerate started, it is one run of all of them: the first tells of it
    and writes its files, the rows of a step are `batch_size` times `accumulation` in each, and each returns the
    same result.
    """
    with joined():
        first = processes.is_first()
        told = Told(progress, say, on_step) if first else Told()
        return _train(examples, config, told, predict, dict(made_from or {}))


def _train(
    examples: Sequence[Example],
    config: TrainConfig,
    told: Told,
    predict: Predict | None,
    made_from: dict[str, Any],
) -> TrainResult:
    started = time.monotonic()
    run = replace(in_all(lambda: checked_run(examples, config)), made_from=made_from)
    if (done := by_first(lambda: _already_finished(run))) is not None:
        return done
    folder, checkpoint, torn = by_first(lambda: _opened(run))
    in_all(lambda: run_folder.check_seen(folder))
    for name in torn:
        told.say(f"{name} is half-written and passed over")
    try:
        with without_library_warnings(), run_folder.full_disk_in_one_line(folder):
            result = _run(run, folder, checkpoint, told, predict)
    finally:
        if processes.is_first():
            run_folder.sweep(folder)
    return replace(result, seconds=time.monotonic() - started)


def _opened(run: Rows) -> tuple[Path, Path | None, tuple[str, ...]]:
    run_folder.claim(run.config)
    refuse_waste(run.report, run.config.allow)
    return run_folder.open_run(run.config, run.fingerprint)


def checked_run(examples: Sequence[Example], config: TrainConfig) -> Rows:
    """The run that `config` asks for. Raises ValueError, OSError or ImportError before anything is loaded."""
    config = with_usual(with_shape(config))
    check_config(config)
    check_launch(config)
    check_reporters(config.report_to)
    run_folder.refuse_foreign(Path(config.out))
    base = resolve_model(config.model)
    check_start(config, base)
    check_support(config.method, config.objective, model_config(base))
    return gather(examples, config, base)


def _run(
    run: Rows, folder: Path, checkpoint: Path | None, told: Told, predict: Predict | None
) -> TrainResult:
    """From loading the model to the saved adapter."""
    # These load torch and transformers, which a mistake in the settings need not wait for.
    from finetune.choosing import choosing_rows, chosen_by
    from finetune.early_stop import restore_best
    from finetune.fitting import fit
    from finetune.memory_use import PeakMemory
    from finetune.preparing import prepare
    from finetune.probe import longest
    from finetune.saving import save
    from finetune.scoring import findings, score, score_before

    memory = PeakMemory()
    job = in_all(lambda: prepare(run, folder, told))
    foretold = foretell(run, predict, longest(job.trainer.train_dataset))
    if foretold is not None:
        told.say(in_words(foretold), keep=False)
    before = score_before(job, run, folder, told)
    memory.begin()
    choosing = choosing_rows(job, run, told)
    with chosen_by(choosing, job.trainer):
        steps = fit(job, folder, checkpoint, told, run.config)
    used = _memory(foretold, {"measured_gib": greatest(memory.gib()), "measured": memory.kind})
    stopped = restore_best(job, told, unseen=bool(choosing))
    card = _card(run, job, findings(before, score(job, run, told), run), memory=used, stopped=stopped)
    return TrainResult(
        path=save(job, card, folder, told),
        card=card,
        seconds=0.0,
        steps=steps,
        losses=tuple(float(entry["loss"]) for entry in job.trainer.state.log_history if "loss" in entry),
        notes=tuple(dict.fromkeys([*run.notes, *job.notes, *told.lines])),
    )


def _card(run: Rows, job: Any, found: dict[str, Any], **measured: Any) -> AdapterCard:
    from finetune.cards import make_card
    from finetune.forgetting import too_much

    aside = too_much(found["forgetting"])
    measured |= {"set_aside": aside, "made_from": run.made_from}
    return make_card(run.config, run.base, run.fingerprint, job, **found, **measured)


def foretell(run: Rows, predict: Predict | None, longest: int | None = None) -> Prediction | None:
    """The peak of the largest step, for rows as long as the longest one (`longest`, or by the data report)."""
    lengths = run.report.lengths
    if longest is None and lengths is not None and lengths.unit == "tokens":
        longest = min(lengths.most, run.config.max_length)
    return None if predict is None or longest is None else predict(run.config, longest)


def in_words(foretold: Prediction) -> str:
    """For example "predicted peak 1.2 GiB (0.9 to 1.5)"."""
    return (
        f"predicted peak {foretold.gib:.2g} GiB ({foretold.low_gib:.2g} to {foretold.high_gib:.2g}) {foretold.of}"
    ).rstrip()


def _memory(foretold: Prediction | None, measured: dict[str, Any]) -> dict[str, Any]:
    if foretold is None:
        return measured
    predicted = {"predicted_gib": foretold.gib, "low_gib": foretold.low_gib, "high_gib": foretold.high_gib}
    return {**predicted, "predicted": foretold.of, **measured}


def _already_finished(run: Rows) -> TrainResult | None:
    """The result of an equal run that ended, when asked to resume: repeating a finished command does no harm."""
    config, out = run.config, Path(run.config.out)
    if not (config.resume and run_folder.is_finished(out)) or run_folder.unfinished(out).is_dir():
        return None
    card = read_card(out)
    same = run_folder.fingerprint_of(card) == run.fingerprint
    if not same or run_folder.changes(card.config, config):
        raise ValueError(f"'{out}' holds a finished adapter of other settings or rows; choose another --out.")
    return TrainResult(
        path=config.out, card=card, seconds=0.0, steps=0, notes=("already finished: nothing to do",)
    )
