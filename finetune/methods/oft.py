"""OFT (arXiv 2306.07280): the inputs of each linear layer are rotated, block by block, by trained orthogonal
matrices."""

from __future__ import annotations

from typing import Any

from peft import OFTConfig, get_peft_model

from finetune.methods import frozen
from finetune.methods.lora import targets
from finetune.schema import TrainConfig

loading = frozen.loading


def attach(model: Any, config: TrainConfig, *, task: str, head: str | None) -> Any:
    settings = OFTConfig(
        r=0,  # the size of the blocks is given instead of their number
        oft_block_size=config.oft_block,
        task_type=task,
        bias="none",
        **targets(config, head),
    )
    return get_peft_model(model, settings)
