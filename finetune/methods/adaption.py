"""LLaMA-Adapter (arXiv 2303.16199): trained tokens that the attention of the upper layers also sees, let in by a
gate that starts closed."""

from __future__ import annotations

from typing import Any

from peft import AdaptionPromptConfig, get_peft_model

from finetune.methods import frozen
from finetune.schema import TrainConfig

loading = frozen.loading


def attach(model: Any, config: TrainConfig, *, task: str, head: str | None) -> Any:
    if head is not None:
        raise ValueError("peft stores no new head with a LLaMA-Adapter; take prefix.")
    count = int(model.config.num_hidden_layers)
    settings = AdaptionPromptConfig(
        adapter_len=config.virtual_tokens,
        adapter_layers=max(1, count - 2),  # 30 of LLaMA's 32: all but the two lowest (section 4.1)
        task_type=task,
    )
    tuned = get_peft_model(model, settings)
    for weight in tuned.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()  # peft takes the base's format, in which small steps vanish
    return tuned
