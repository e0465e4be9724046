"""The settings of transformers' Trainer that every objective starts from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finetune.defaults import defaults
from finetune.processes import is_sharded
from finetune.schema import TrainConfig
from finetune.together import on_processors


def trainer_arguments(config: TrainConfig, folder: Path, rate: float) -> dict[str, Any]:
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
        **({"optim": config.optimizer} if config.optimizer else {}),
        "weight_decay": schedule["weight_decay"],
        "max_grad_norm": schedule["max_grad_norm"],
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # else a loss that is no number is logged as the mean of those before
        "save_strategy": "steps",
        "save_steps": config.save_steps,
        "save_only_model": is_sharded(),  # so that the Trainer begins; sharded.py has it keep the rest as well
        "save_total_limit": 2,  # while the newest is written the one before stays
        "include_num_input_tokens_seen": "non_padding",
        "seed": config.seed,
        "report_to": "none",  # those that are asked for hear of the training alone: fitting.py
        "disable_tqdm": True,
        "use_cpu": on_processors(),
        "dataloader_pin_memory": cuda,
        "bf16": cuda and torch.cuda.is_bf16_supported(),
        "gradient_checkpointing": checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False} if checkpointing else None,
    }
