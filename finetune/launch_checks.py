"""What cannot be trained by several processes, told before anything is loaded."""

from __future__ import annotations

import os

from finetune import processes
from finetune.objectives import JUDGED
from finetune.schema import TrainConfig

# Methods over a base that is spread: 4-bit weights cannot be divided, and others train parts of the base's weights.
SPREAD = ("full", "lora", "rslora")
# Objectives whose losses and scores are counted over all processes.
TOGETHER = ("classify", "dpo", "kto", "pretrain", "reward", "sft")


def check_launch(config: TrainConfig) -> None:
    """Raises ValueError in one line for a run that its launcher cannot make."""
    count = processes.count()
    if count == 1:
        return
    if os.environ.get("ACCELERATE_USE_DEEPSPEED", "").lower() == "true":
        raise ValueError(
            "DeepSpeed is not used here; give accelerate --use_fsdp --fsdp_version 2 to spread a model over devices."
        )
    if config.method == "features":
        raise ValueError(
            f"features solves one regression over all rows, which {count} processes cannot share; start it without "
            "torchrun or accelerate."
        )
    if config.objective not in TOGETHER:
        raise ValueError(
            f"The objective '{config.objective}' is trained by one process; start it without torchrun or accelerate, "
            f"or choose one of {list(TOGETHER)}."
        )
    if processes.is_sharded():
        _check_sharded(config)


def _check_sharded(config: TrainConfig) -> None:
    if os.environ["FSDP_VERSION"] != "2":
        raise ValueError(
            f"FSDP {os.environ['FSDP_VERSION']} was asked for; only its second version is used here: give "
            "accelerate --fsdp_version 2 (in a file of its settings: fsdp_version: 2)."
        )
    if config.objective == "classify":
        raise ValueError("An encoder is not spread over devices: start 'classify' without FSDP.")
    if config.objective in JUDGED:
        raise ValueError(
            f"'{config.objective}' was not tried over a base that is spread over devices (FSDP); start it without FSDP."
        )
    if config.method not in SPREAD:
        raise ValueError(
            f"Method '{config.method}' is not trained over a base that is spread over devices (FSDP); start it "
            f"without FSDP, or choose one of {list(SPREAD)}."
        )
