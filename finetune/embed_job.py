"""Makes the job that trains a sentence embedder: model, trainer, and how the result is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import TrainingArguments

from finetune.adapter_weights import save_adapter, start_from
from finetune.defaults import defaults
from finetune.embed_batches import SearchCollator
from finetune.embed_model import whole_encoder, write_steps
from finetune.embed_rows import longest
from finetune.embed_trainer import Comparing, EmbedTrainer
from finetune.encoder import EncoderClassifier, load_encoder
from finetune.methods import Method
from finetune.objectives import Job
from finetune.objectives.span_qa import MIXED
from finetune.packing import Row
from finetune.processor import mixes_formats
from finetune.schema import TrainConfig

TASK = "FEATURE_EXTRACTION"  # peft's name for it


def embed_job(
    rows: list[Row],
    held: list[Row],
    config: TrainConfig,
    folder: Path,
    tokenizer: Any,
    method: Method,
    arguments: dict[str, Any],
) -> Job:
    """Loads the encoder in `folder`, attaches the method and, where the run goes on from an adapter, its weights."""
    mixed = mixes_formats(config, folder)
    encoder = load_encoder(folder, mixed=mixed, dropout=not mixed, **method.loading())
    model = method.attach(EncoderClassifier(encoder, 0), config, task=TASK, head=None)
    if config.adapter is not None:
        start_from(model, Path(config.adapter))
    trainer = EmbedTrainer(
        model=model,
        args=TrainingArguments(**arguments, label_names=["targets"], remove_unused_columns=False),
        train_dataset=rows,
        eval_dataset=held or None,
        data_collator=SearchCollator(tokenizer.pad_token_id or 0),
        processing_class=tokenizer,
    )
    trainer.how = comparing(config, tokenizer)

    def save(target: Path) -> None:
        save_embedder(trainer.model, method, target, folder, longest(config, folder))
        tokenizer.save_pretrained(str(target))

    return Job(
        trainer=trainer,
        evaluate=lambda: _evaluated(trainer),
        save=save,
        rows=len(rows),
        notes=(MIXED,) if mixed else (),
        score_rows=lambda: trainer.found,
    )


def comparing(config: TrainConfig, tokenizer: Any) -> Comparing:
    table = defaults()["embed"]
    return Comparing(
        temperature=config.temperature,
        both_directions=config.both_directions,
        pass_tokens=int(table["pass_tokens"]),
        held_tokens=int(table["held_tokens"]),
        scored_rows=int(table["scored_rows"]),
        pad_token_id=tokenizer.pad_token_id or 0,
    )


def _evaluated(trainer: EmbedTrainer) -> dict[str, float]:
    if trainer.eval_dataset is None:
        return {}
    found = trainer.evaluate()
    return {name: found[f"eval_{name}"] for name in trainer.found.means}


def save_embedder(model: Any, method: Method, target: Path, base: Path, tokens: int) -> None:
    """An adapter as all others; where every weight was trained, a folder that sentence-transformers reads."""
    encoder = whole_encoder(model)
    if encoder is None:
        save_adapter(model, method, target)
        return
    encoder.save_pretrained(str(target))
    write_steps(encoder, base, target, tokens)
