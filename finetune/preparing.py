"""Makes a job ready to start: model, method, rows, and a trainer that is watched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from finetune import processes, run_folder
from finetune.arguments import trainer_arguments
from finetune.defaults import learning_rates
from finetune.gathering import Rows
from finetune.idle_weights import has_idle_weights
from finetune.methods import load_method
from finetune.objectives import SAMPLING, Job, load_objective
from finetune.objectives.reward import rates_like
from finetune.oom import shield_evaluation
from finetune.schema import TrainConfig
from finetune.sharded import keep_whole_checkpoints
from finetune.sharing import learn_each_row_once
from finetune.told import Told
from finetune.weights import parameter_count


def prepare(run: Rows, folder: Path, told: Told) -> Job:
    """Loads what `run` names. Raises ValueError or OSError, also when the checkpoints will not fit on the disk."""
    from transformers import PrinterCallback, set_seed

    told.progress("load", 0, 1)
    config = run.config
    method = load_method(config.method)
    set_seed(config.seed)  # a new adapter or head starts from random numbers
    params_b = parameter_count(run.base) / 1e9
    like = rates_like(run.base) if config.objective == "reward" else config.objective
    rate = config.learning_rate or learning_rates(config.method, like, params_b)[0]
    arguments, changed = method.arguments(config, trainer_arguments(config, folder, rate))
    job = load_objective(config.objective).prepare(
        run.train, run.held_out, config, run.base, method, arguments
    )
    job = replace(job, notes=(*changed, *job.notes))
    job.trainer.remove_callback(PrinterCallback)  # it prints every loss and score
    for callback in method.callbacks(config):
        job.trainer.add_callback(callback)
    shield_evaluation(job.trainer, told.say)
    if hasattr(job.trainer, "say"):  # it meets with memory that runs out by itself
        job.trainer.say = told.say
    _arrange_processes(job.trainer, told)
    _ask_reference(job, config, told)
    trained = sum(weight.numel() for weight in job.trainer.model.parameters() if weight.requires_grad)
    # Weights, and AdamW's two fp32 moments, of three checkpoints (the best, the newest and the one being written); of
    # sampled answers also the weights that a run goes back to.
    run_folder.check_room(folder, 3 * (16 if config.objective in SAMPLING else 12) * trained)
    told.progress("load", 1, 1)
    return job


def _arrange_processes(trainer: Any, told: Told) -> None:
    """Each of several processes computes on a device of its own, and one process on one device."""
    if processes.count() == 1:
        # Left to itself the Trainer takes all of them by DataParallel, whose batches are larger.
        if trainer.args.n_gpu > 1:
            told.say(
                f"one of {trainer.args.n_gpu} cards is used; all with: torchrun --nproc-per-node {trainer.args.n_gpu} "
                "-m apps.cli train ..."
            )
            trainer.args._n_gpu = 1
            trainer._train_batch_size = trainer.args.train_batch_size
        return
    learn_each_row_once(trainer)
    if processes.is_sharded():
        keep_whole_checkpoints(trainer)
    else:
        trainer.accelerator.ddp_handler.find_unused_parameters = has_idle_weights(trainer)


def _ask_reference(job: Job, config: TrainConfig, told: Told) -> None:
    """While the weights are those of the start: a run that goes on loads its checkpoint later."""
    if job.with_reference is None:
        return
    for name in ("train_dataset", "eval_dataset"):
        rows = getattr(job.trainer, name)
        if rows is not None:
            setattr(job.trainer, name, job.with_reference(rows, config, told))
