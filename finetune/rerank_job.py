"""Builds the cross-encoder that a run trains, and its trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import TrainingArguments

from finetune.adapter_weights import start_from
from finetune.defaults import defaults, learning_rates
from finetune.encoder import EncoderClassifier, load_encoder
from finetune.methods import Method
from finetune.objectives.span_qa import MIXED
from finetune.processor import mixes_formats
from finetune.rerank_batches import RankCollator
from finetune.rerank_trainer import RerankTrainer
from finetune.schema import TrainConfig


def rerank_model(config: TrainConfig, folder: Path, method: Method) -> tuple[Any, tuple[str, ...]]:
    """The model in `folder` with one output and the method attached, and what is to be said of it."""
    mixed = mixes_formats(config, folder)
    encoder = load_encoder(folder, mixed=mixed, dropout=not mixed, **method.loading())
    torch.manual_seed(config.seed)  # the new head
    model = cross_encoder(encoder)
    attached = method.attach(model, config, task="SEQ_CLS", head="classifier")
    if config.adapter is not None:
        start_from(attached, Path(config.adapter))
    return attached, ((MIXED,) if mixed else ())


def cross_encoder(encoder: nn.Module) -> EncoderClassifier:
    model = EncoderClassifier(encoder, 1)
    nn.init.zeros_(model.classifier.bias)  # a ranking does not tell where zero is
    return model


def rerank_trainer(
    model: Any, rows: Any, held: Any, config: TrainConfig, tokenizer: Any, arguments: dict[str, Any]
) -> RerankTrainer:
    kinds = getattr(model.config, "type_vocab_size", None) or 0
    trainer = RerankTrainer(
        model=model,
        args=TrainingArguments(**arguments, remove_unused_columns=False),
        train_dataset=rows,
        eval_dataset=held or None,
        data_collator=RankCollator(tokenizer.pad_token_id or 0, segments=kinds > 1),
    )
    rate = config.head_learning_rate
    trainer.head_learning_rate = rate or learning_rates(config.method, "rerank", 0.0)[1]
    trainer.pass_tokens = int(defaults()["rerank"]["pass_tokens"])
    return trainer
