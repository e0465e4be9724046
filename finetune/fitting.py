"""Trains a prepared job to its end: goes on from checkpoints, saves when asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from finetune import run_folder
from finetune.objectives import Job
from finetune.stopping import StopRequest, TrainingInterrupted

Progress = Callable[[str, int, int], None]


def fit(job: Job, folder: Path, checkpoint: Path | None, tell: Progress) -> int:
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
