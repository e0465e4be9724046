"""Trains a prepared job to its end: goes on from checkpoints, saves when asked to stop, and takes smaller
batches when memory runs out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from transformers import set_seed
from transformers.integrations.integration_utils import get_reporting_integration_callbacks

from finetune import processes, run_folder
from finetune.callbacks import Finite, Record, Watch
from finetune.early_stop import watch_held_out
from finetune.metrics_log import MetricsLog
from finetune.objectives import Job
from finetune.oom import MemoryTooSmall, free_memory, halved, is_out_of_memory
from finetune.probe import LongestFirst
from finetune.schema import TrainConfig
from finetune.stopping import Diverged, StopRequest, TrainingInterrupted
from finetune.together import meet
from finetune.told import Told

REMEDY = "a smaller --max-length, a smaller model, --method qlora, or --gradient-checkpointing"


def fit(job: Job, folder: Path, checkpoint: Path | None, told: Told, config: TrainConfig) -> int:
    """Trains to the end and returns the steps.

    Raises TrainingInterrupted once a checkpoint is written, Diverged or MemoryTooSmall where a run cannot go on.
    """
    if checkpoint is not None and run_folder.at_the_end(checkpoint):
        return _take_up(job, checkpoint)  # the Trainer would take one step too many
    trainer = job.trainer
    _let_ddp_around(trainer)
    with StopRequest() as stop:
        watch, longest = Watch(stop, told), LongestFirst(trainer)
        watching = [
            longest,
            watch,
            Finite(trainer),
            Record(MetricsLog(folder), told),
            *watch_held_out(job, config, told),
            *_reporters(config),
        ]
        for callback in watching:
            trainer.add_callback(callback)
        while not _attempt(job, folder, checkpoint, config.seed):
            _refuse_to_go_on(trainer, watch, longest)
            checkpoint = _smaller_batch(trainer, folder, checkpoint, told)
        for callback in watching:  # what comes after is no step of the training
            trainer.remove_callback(callback)
        meet()  # whoever leaves first has the launcher end the others, which may still be writing
    if stop.requested:
        raise TrainingInterrupted(_how_to_go_on(folder, job))
    return int(trainer.state.global_step)


def _let_ddp_around(trainer: Any) -> None:
    """accelerate takes a model that a Trainer has scored for one that it has prepared to be trained: DDP would stay
    away, and each process learn from its own rows alone."""
    if processes.count() > 1 and trainer.model_wrapped is trainer.model:
        vars(trainer.model).pop("_is_accelerate_prepared", None)


def _reporters(config: TrainConfig) -> list[Any]:
    found = get_reporting_integration_callbacks(list(config.report_to))  # type: ignore[no-untyped-call]
    return [reporter() for reporter in found]


def _attempt(job: Job, folder: Path, checkpoint: Path | None, seed: int) -> bool:
    """False when memory ran out; whatever the failed step held is free again then."""
    if checkpoint is None:
        set_seed(seed)  # the same steps whatever was scored before, and however often a batch was halved
    try:
        job.trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        return True
    except Diverged as broken:
        _explain(broken, job, folder)
    except KeyboardInterrupt:
        raise TrainingInterrupted(_how_to_go_on(folder, job)) from None
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    job.trainer.model_wrapped.zero_grad()
    free_memory()
    return False


def _refuse_to_go_on(trainer: Any, watch: Watch, longest: LongestFirst) -> None:
    """Raises MemoryTooSmall where smaller batches would not help, or not every process knows that they are due."""
    args, step = trainer.args, trainer.state.global_step
    if watch.in_optimizer:
        raise MemoryTooSmall(
            "Memory ran out for the optimizer's states, whatever the batch; give --method lora or qlora, or a "
            "smaller model."
        )
    if processes.count() > 1 and not longest.agreed:
        raise MemoryTooSmall(
            f"Memory ran out at step {step + 1} in one of {processes.count()} processes; start again "
            f"with --batch-size {max(1, args.per_device_train_batch_size // 2)} and twice the --accumulation."
        )


def _smaller_batch(trainer: Any, folder: Path, checkpoint: Path | None, told: Told) -> Path | None:
    """Fewer rows at a time and as much more accumulation; returns the checkpoint of the last whole step."""
    args, step = trainer.args, trainer.state.global_step
    together = args.per_device_train_batch_size * args.gradient_accumulation_steps
    most = halved(args.per_device_train_batch_size, f"training (step {step + 1})", REMEDY)
    size = next(rows for rows in range(most, 0, -1) if together % rows == 0)
    told.say(
        f"memory ran out at step {step + 1} with {args.per_device_train_batch_size} rows at a time: it goes on with "
        f"{size}, accumulated {together // size} times, so that a step still learns from "
        f"{together * processes.count()} rows"
    )
    args.per_device_train_batch_size, args.gradient_accumulation_steps = size, together // size
    trainer._train_batch_size = args.train_batch_size
    return _saved(trainer, folder) if step else checkpoint


def _saved(trainer: Any, folder: Path) -> Path:
    """A checkpoint of the weights as they are: no step has changed them since the last whole one."""
    trainer._save_checkpoint(trainer.model, trial=None)
    meet()
    return folder / f"checkpoint-{trainer.state.global_step}"


def _explain(broken: Diverged, job: Job, folder: Path) -> NoReturn:
    """Keeps the weights of the step before, and says where they are and what to try."""
    kept = "nothing was learned before it"
    if job.trainer.state.global_step:
        kept = f"the weights before it are kept in '{_saved(job.trainer, folder)}'"
    rate = broken.learning_rate
    raise Diverged(
        f"{broken}; {kept}. Start again with --overwrite and a lower --learning-rate ({rate / 10:g} in place of "
        f"{rate:g}); if it breaks down at the same step, look at the rows for garbage.",
        rate,
    ) from None


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
