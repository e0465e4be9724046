"""Makes the job that trains a causal language model on rows of tokens: what its objectives have in common."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from finetune.adapter_weights import save_adapter, start_from
from finetune.causal import load_causal
from finetune.collate import Collator
from finetune.isolation import keeps_rows_apart
from finetune.learned_logits import takes_places
from finetune.methods import Method, entry
from finetune.objectives import Job
from finetune.packing import Row, parted
from finetune.processes import is_first
from finetune.processor import trains_in_bf16
from finetune.schema import TrainConfig
from finetune.sharded import freeze_first, spread_loading
from finetune.token_trainer import TokenTrainer
from finetune.weights import model_config


def causal_job(
    sequences: list[Row],
    held: list[Row],
    config: TrainConfig,
    folder: Path,
    tokenizer: Any,
    method: Method,
    arguments: dict[str, Any],
    **told: Any,
) -> Job:
    """Loads the model in `folder` and attaches the method; `told` goes into the Job (rows, notes)."""
    loading = method.loading()
    if trains_in_bf16(config, folder):
        loading, arguments = (
            {**loading, "dtype": torch.bfloat16},
            {**arguments, "bf16": True, "use_cpu": True},
        )
    base = load_causal(folder, **loading, **spread_loading())
    freeze_first(base, config.method)
    plain = not entry(config.method).virtual_tokens
    apart = plain and keeps_rows_apart(base)
    if any("position_ids" in row for row in sequences) and not apart:
        sequences, held = parted(sequences), parted(held)
        note = (
            f"a {base.config.model_type} model cannot keep packed rows apart: each has a sequence of its own"
        )
        told = {**told, "notes": (*told.get("notes", ()), note)}
    places = plain and takes_places(base)  # asked of the base: some methods take its output layer apart
    trainer = TokenTrainer(
        model=attached(base, config, method),
        # Of a wrapped model the Trainer cannot see what its labels are called, nor which columns it reads.
        args=TrainingArguments(**arguments, label_names=["labels"], remove_unused_columns=False),
        train_dataset=sequences,  # whatever has a length and is indexed
        eval_dataset=held or None,
        data_collator=Collator(tokenizer.pad_token_id, together=apart and not config.packing),
        processing_class=tokenizer,
    )
    trainer.learned_logits = places

    def evaluate() -> dict[str, float]:
        if not held:
            return {}
        loss = float(trainer.evaluate()["eval_loss"])
        return {"loss": loss, "perplexity": math.exp(min(loss, 700.0))}  # e^710 is no float

    def save(target: Path) -> None:
        save_causal(trainer.model, method, target, folder)
        tokenizer.save_pretrained(str(target))

    return Job(trainer=trainer, evaluate=evaluate, save=save, **told)


def attached(base: Any, config: TrainConfig, method: Method) -> Any:
    """The model to train: the method on its base, with the weights of the adapter that the run goes on from."""
    model = method.attach(base, config, task="CAUSAL_LM", head=None)
    if config.adapter is not None:
        start_from(model, Path(config.adapter))
    return model


def save_causal(model: Any, method: Method, target: Path, folder: Path) -> None:
    """The adapter alone, or for a full run the whole model in the number format its base is stored in."""
    if all(weight.requires_grad for weight in model.parameters()):
        stored = model_config(folder).get("dtype") or model_config(folder).get("torch_dtype") or "float32"
        model = model.to(getattr(torch, stored))
        # Of a model that is spread over processes all have to take part.
        model.save_pretrained(str(target), is_main_process=is_first())
    else:
        save_adapter(model, method, target)
