"""Classification of texts: an encoder with a new head, scored by accuracy and macro-F1 on the held-out
rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from safetensors.torch import save_file
from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

from finetune.adapter_weights import save_adapter
from finetune.adapters import HEAD
from finetune.classify_rows import encode, load_tokenizer, longest, sequences
from finetune.defaults import learning_rates
from finetune.encoder import EncoderClassifier, load_encoder
from finetune.evaluate import accuracy, macro_f1, majority_accuracy
from finetune.head_rate import with_head_rate
from finetune.methods import Method
from finetune.objectives import Encoded, Job
from finetune.processor import mixes_formats
from finetune.schema import Example, TrainConfig
from finetune.span_model import EncoderSpans


class _Trainer(Trainer):
    """The Trainer with a learning rate of its own for the head, which starts from noise, and with room for a
    method that does not learn by gradients."""

    head_learning_rate: float = 1e-3
    fit: Callable[[Any], tuple[float, float]] | None = None

    def train(self, *args: Any, **options: Any) -> Any:
        if self.fit is None:
            return super().train(*args, **options)
        before, after = self.fit(self)
        self.state.max_steps = self.state.global_step = 1
        self.state.log_history += [{"loss": before, "step": 0}, {"loss": after, "step": 1}]
        self.callback_handler.on_step_end(self.args, self.state, self.control)
        return None

    def create_optimizer(self, model: Any = None) -> Any:
        return with_head_rate(self, self.head_learning_rate)


# Also what an objective offers, for the data report.
__all__ = ["encode", "load_tokenizer", "longest", "prepare", "sequences", "usable"]


def usable(example: Example) -> bool:
    return example.label is not None


def prepare(
    train: Sequence[Example],
    held_out: Sequence[Example],
    config: TrainConfig,
    folder: Path,
    method: Method,
    arguments: dict[str, Any],
) -> Job:
    labels = tuple(sorted({row.label for row in (*train, *held_out) if row.label is not None}))
    tokenizer = load_tokenizer(folder, train)
    torch.manual_seed(config.seed)  # the new head
    encoder = load_encoder(folder, mixed=mixes_formats(config, folder), **method.loading())
    model = EncoderClassifier(encoder, len(labels))
    rows = _dataset(encode(train, config, folder, tokenizer), labels)
    held = _dataset(encode(held_out, config, folder, tokenizer), labels) if held_out else None
    trained = method.attach(model, config, task="SEQ_CLS", head="classifier")
    trainer = _Trainer(
        model=trained,
        args=TrainingArguments(**arguments),
        train_dataset=rows,
        eval_dataset=held,
        data_collator=DataCollatorWithPadding(tokenizer),
    )
    trainer.fit = method.fit
    rate = config.head_learning_rate
    trainer.head_learning_rate = rate or learning_rates(config.method, "classify", 0.0)[1]

    def evaluate() -> dict[str, float]:
        return _scores(trainer, train, held_out, held, labels)

    def save(target: Path) -> None:
        save_headed(trained, method, target)
        tokenizer.save_pretrained(str(target))

    return Job(
        trainer=trainer,
        evaluate=evaluate,
        save=save,
        rows=len(train),
        notes=(_balance(train, labels),),
        labels=labels,
    )


def _dataset(encoded: Sequence[Encoded], labels: Sequence[str]) -> Dataset:
    ids = [row.input_ids for one in encoded for row in one.rows]
    columns: dict[str, list[Any]] = {"input_ids": ids, "attention_mask": [[1] * len(row) for row in ids]}
    columns["labels"] = [labels.index(one.target) for one in encoded]
    return Dataset.from_dict(columns)


def _scores(
    trainer: Any,
    train: Sequence[Example],
    held_out: Sequence[Example],
    held: Dataset | None,
    labels: Sequence[str],
) -> dict[str, float]:
    if held is None:
        return {}
    output = trainer.predict(held)
    predicted = [labels[index] for index in output.predictions.argmax(-1)]
    gold = [str(row.label) for row in held_out]
    return {
        "accuracy": accuracy(gold, predicted),
        "macro_f1": macro_f1(gold, predicted),
        "majority_accuracy": majority_accuracy([str(row.label) for row in train], gold),
        "loss": float(
            torch.nn.functional.cross_entropy(
                torch.tensor(output.predictions).float(), torch.tensor(output.label_ids)
            )
        ),
        "held_out_rows": float(len(gold)),
    }


def save_headed(model: Any, method: Method, target: Path) -> None:
    """An adapter holds its head; a full run leaves the encoder as a model folder with the head beside it."""
    whole = all(weight.requires_grad for weight in model.parameters())
    if not (whole and isinstance(model, (EncoderClassifier, EncoderSpans))):
        save_adapter(model, method, target)
        return
    body: Any = model.encoder
    body.save_pretrained(str(target))
    head = {name: value.detach().cpu().contiguous() for name, value in model.classifier.state_dict().items()}
    save_file(head, target / HEAD)


def _balance(train: Sequence[Example], labels: Sequence[str]) -> str:
    counts = Counter(row.label for row in train)
    return "training rows per label: " + ", ".join(f"{label} {counts[label]}" for label in labels)
