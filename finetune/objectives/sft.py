"""Supervised fine-tuning of a causal language model: loss on the last answer of each conversation, its end
included."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from finetune.causal import load_causal
from finetune.methods import Method
from finetune.objectives import Job
from finetune.schema import Example, TrainConfig
from finetune.template import IGNORED, TokenRow, encode_row, load_tokenizer, stop_tokens
from finetune.weights import model_config


class _Trainer(SFTTrainer):
    """trl's trainer without its usage report: nothing about a run leaves the machine."""

    def _send_telemetry(self) -> None:
        return


def usable(example: Example) -> bool:
    return bool(example.messages)


def prepare(
    train: Sequence[Example],
    held_out: Sequence[Example],
    config: TrainConfig,
    folder: Path,
    method: Method,
    arguments: dict[str, Any],
) -> Job:
    base = load_causal(folder, **method.loading())
    tokenizer = load_tokenizer(folder)
    stops = stop_tokens(tokenizer, base.generation_config)
    length = _length(config, base.config)
    rows, notes = _encoded(train, tokenizer, length, stops, "training")
    held, held_notes = _encoded(held_out, tokenizer, length, stops, "held-out") if held_out else ([], [])
    if not rows:
        raise ValueError(f"Every row's question alone fills {length} tokens; give a larger --max-length.")
    model = method.attach(base, config, task="CAUSAL_LM", head=None)
    trainer = _Trainer(
        model=model,
        args=SFTConfig(**arguments, max_length=None, dataset_kwargs={"skip_prepare_dataset": True}),
        train_dataset=_dataset(rows),
        eval_dataset=_dataset(held) if held else None,
        processing_class=tokenizer,
    )

    _keep_adapters_in_fp32(trainer.model)

    def evaluate() -> dict[str, float]:
        return {"loss": float(trainer.evaluate()["eval_loss"])} if held else {}

    def save(target: Path) -> None:
        _save(trainer.model, target, folder)
        tokenizer.save_pretrained(str(target))

    return Job(trainer=trainer, evaluate=evaluate, save=save, rows=len(rows), notes=(*notes, *held_notes))


def _keep_adapters_in_fp32(model: Any) -> None:
    """trl casts adapters over a 4-bit base to bf16, but a resumed run loads them in fp32: the two would part ways."""
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()


def _save(model: Any, target: Path, folder: Path) -> None:
    """The adapter alone, or for a full run the whole model in the number format its base is stored in."""
    if not hasattr(model, "peft_config"):
        stored = model_config(folder).get("dtype") or model_config(folder).get("torch_dtype") or "float32"
        model = model.to(getattr(torch, stored))
        model.save_pretrained(str(target))
    else:
        # The vocabulary is never changed here; left to itself, peft asks the hub whether it was.
        model.save_pretrained(str(target), save_embedding_layers=False)


def _length(config: TrainConfig, model_config: Any) -> int:
    context = getattr(model_config, "max_position_embeddings", None)
    return min(config.max_length, context) if isinstance(context, int) and context > 0 else config.max_length


def _encoded(
    examples: Sequence[Example], tokenizer: Any, length: int, stops: frozenset[int], kind: str
) -> tuple[list[TokenRow], list[str]]:
    """The rows that still carry an answer after cutting, and a note on each thing that was lost."""
    rows = []
    for example in examples:
        try:
            rows.append(encode_row(tokenizer, example.messages, length, stops))
        except ValueError as error:
            raise ValueError(f"Row at line {example.line}: {error}") from None
    kept = [row for row in rows if any(label != IGNORED for label in row.labels)]
    cut, unlike = sum(row.cut for row in kept), sum(row.unlike_prompt for row in kept)
    notes = []
    if cut:
        notes.append(f"{cut} of {len(rows)} {kind} rows cut at {length} tokens (their answers lose the end)")
    if len(kept) < len(rows):
        notes.append(f"{len(rows) - len(kept)} {kind} rows dropped: the question alone fills {length} tokens")
    if unlike:
        notes.append(f"{unlike} {kind} rows: the template writes the question differently when it answers")
    return kept, notes


def _dataset(rows: Sequence[TokenRow]) -> Dataset:
    return Dataset.from_dict(
        {"input_ids": [row.input_ids for row in rows], "labels": [row.labels for row in rows]}
    )
