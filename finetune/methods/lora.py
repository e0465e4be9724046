"""LoRA (arXiv 2106.09685): a low-rank update beside every linear layer, the base frozen."""

from __future__ import annotations

from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from finetune.schema import TrainConfig


def loading() -> dict[str, Any]:
    """The frozen base in bf16 where a card can compute in it, else in fp32."""
    bf16 = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return {"dtype": torch.bfloat16 if bf16 else torch.float32}


def attach(model: Any, config: TrainConfig, *, task: str, head: str | None) -> Any:
    return get_peft_model(model, lora_config(config, task=task, head=head))


def lora_config(config: TrainConfig, *, task: str, head: str | None) -> LoraConfig:
    """All linear layers but the head: QLoRA (arXiv 2305.14314) found that targets matter more than the
    rank."""
    return LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules="all-linear",
        exclude_modules=[head] if head else None,
        modules_to_save=[head] if head else None,
        task_type=task,
        bias="none",
    )
