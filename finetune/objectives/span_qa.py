"""Reading comprehension: an encoder marks where in a passage the answer to a question stands, or that it holds none
(SQuAD 2.0, arXiv 1806.03822)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.methods import Method
from finetune.objectives import Job
from finetune.schema import Example, TrainConfig
from finetune.span_rows import encode, load_tokenizer, longest, longest_answer, sequences, usable

# Also what an objective offers.
__all__ = ["encode", "load_tokenizer", "longest", "prepare", "sequences", "usable"]


def prepare(
    train: Sequence[Example],
    held_out: Sequence[Example],
    config: TrainConfig,
    folder: Path,
    method: Method,
    arguments: dict[str, Any],
) -> Job:
    import torch

    from finetune.adapter_weights import start_from
    from finetune.defaults import learning_rates
    from finetune.encoder import load_encoder
    from finetune.objectives.classify import save_headed
    from finetune.processor import mixes_formats
    from finetune.span_collate import collator_for
    from finetune.span_model import EncoderSpans
    from finetune.span_trainer import span_trainer

    tokenizer = load_tokenizer(folder, train)
    encoded, held = (encode(part, config, folder, tokenizer) for part in (train, held_out))
    rows, held_rows = sequences(encoded, held, config, folder)
    mixed = mixes_formats(config, folder)
    encoder = load_encoder(folder, mixed=mixed, dropout=not mixed, **method.loading())
    torch.manual_seed(config.seed)  # the new head
    model = method.attach(EncoderSpans(encoder), config, task="SEQ_CLS", head="classifier")
    if config.adapter is not None:
        start_from(model, Path(config.adapter))
    trainer = span_trainer(model, rows, held_rows, collator_for(tokenizer, encoder.config), arguments)
    trainer.answer_tokens = longest_answer(config)
    rate = config.head_learning_rate
    trainer.head_learning_rate = rate or learning_rates(config.method, "span_qa", 0.0)[1]

    def save(target: Path) -> None:
        save_headed(trainer.model, method, target)
        tokenizer.save_pretrained(str(target))

    return Job(
        trainer=trainer,
        evaluate=trainer.scores,
        save=save,
        rows=len(train),
        notes=(_counts(train, len(rows)), *((MIXED,) if mixed else ())),
        score_rows=lambda: trainer.found,
    )


MIXED = (
    "matrix products in bf16, attention in fp32, no dropout: this processor trains so several times as fast"
)


def _counts(train: Sequence[Example], windows: int) -> str:
    without = sum(not row.answers for row in train)
    return f"training rows: {len(train) - without} with an answer, {without} without, in {windows} windows"
