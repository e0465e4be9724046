"""Makes a job ready to start: model, method, rows, and a trainer that is watched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from finetune import run_folder
from finetune.arguments import trainer_arguments
from finetune.defaults import learning_rates
from finetune.gathering import Rows
from finetune.methods import load_method
from finetune.objectives import Job, load_objective
from finetune.oom import shield_evaluation
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
    rate = config.learning_rate or learning_rates(config.method, config.objective, params_b)[0]
    arguments, changed = method.arguments(config, trainer_arguments(config, folder, rate))
    job = load_objective(config.objective).prepare(
        run.train, run.held_out, config, run.base, method, arguments
    )
    job = replace(job, notes=(*changed, *job.notes))
    job.trainer.remove_callback(PrinterCallback)  # it prints every loss and score
    for callback in method.callbacks(config):
        job.trainer.add_callback(callback)
    shield_evaluation(job.trainer, told.say)
    trained = sum(weight.numel() for weight in job.trainer.model.parameters() if weight.requires_grad)
    # Weights, and AdamW's two fp32 moments, of three checkpoints (the best, the newest and the one being written).
    run_folder.check_room(folder, 3 * 12 * trained)
    told.progress("load", 1, 1)
    return job
