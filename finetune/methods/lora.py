"""LoRA (arXiv 2106.09685): a low-rank update beside linear layers, the base frozen; rsLoRA and DoRA differ in
one setting each."""

from __future__ import annotations

from typing import Any

from peft import LoraConfig, get_peft_model

from finetune.methods import frozen
from finetune.schema import TrainConfig

loading = frozen.loading


def attach(model: Any, config: TrainConfig, *, task: str, head: str | None) -> Any:
    return get_peft_model(model, lora_config(config, task=task, head=head, rows=new_rows(model)))


def lora_config(
    config: TrainConfig, *, task: str, head: str | None, rows: dict[str, list[int]] | None = None
) -> LoraConfig:
    return LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        use_rslora=config.method == "rslora",  # alpha / sqrt(r) instead of alpha / r (arXiv 2312.03732)
        use_dora=config.method == "dora",  # a length of its own for each column (arXiv 2402.09353)
        task_type=task,
        bias="none",
        trainable_token_indices=rows,
        **targets(config, head),
    )


def new_rows(model: Any) -> dict[str, list[int]] | None:
    """Rows that were added to the vocabulary (finetune/vocabulary.py): they mean nothing until they are trained, and
    peft stores them alone of all embeddings."""
    first = getattr(getattr(model, "config", None), "new_rows_from", None)
    if first is None:
        return None
    embeddings = getattr(model, "encoder", model).get_input_embeddings()
    name = next(name for name, part in model.named_modules() if part is embeddings)
    return {name: list(range(int(first), embeddings.num_embeddings))}


def targets(config: TrainConfig, head: str | None) -> dict[str, Any]:
    """All linear layers but the head: QLoRA (arXiv 2305.14314) found that targets matter more than the rank."""
    chosen = [name.strip() for name in config.lora_targets.split(",") if name.strip()]
    return {
        "target_modules": "all-linear" if chosen in ([], ["all-linear"]) else chosen,
        "exclude_modules": [head] if head else None,
        "modules_to_save": [head] if head else None,
    }
