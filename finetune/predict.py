"""Labels texts with a classifier that was trained here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from finetune.adapter_weights import check_complete, with_head
from finetune.adapters import check_base, check_tokenizer, is_whole, read_card
from finetune.defaults import defaults
from finetune.encoder import EncoderClassifier, load_encoder
from finetune.schema import AdapterCard
from finetune.weights import resolve_model

BATCH = 32


class Classifier:
    """A loaded classifier; `labels` in the order of its outputs."""

    def __init__(self, *, model: Any, tokenizer: Any, card: AdapterCard) -> None:
        self.labels = card.labels
        self.card = card
        self._model = model
        self._tokenizer = tokenizer
        limit = int(defaults()["limits"]["classify_max_length"])
        self._length = min(limit, int(card.config["max_length"]))

    def classify(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """The likeliest label of each text and its probability, in the order of the texts."""
        found: list[tuple[str, float]] = []
        for start in range(0, len(texts), BATCH):
            found += self._batch(list(texts[start : start + BATCH]))
        return found

    def _batch(self, texts: list[str]) -> list[tuple[str, float]]:
        encoded = self._tokenizer(
            texts, truncation=True, max_length=self._length, padding=True, return_tensors="pt"
        )
        device = next(self._model.parameters()).device
        with torch.inference_mode():
            logits = self._model(
                input_ids=encoded["input_ids"].to(device), attention_mask=encoded["attention_mask"].to(device)
            ).logits
        best = logits.softmax(-1).max(-1)
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [(self.labels[index], share) for index, share in pairs]


def load_classifier(model: str, adapter: str | Path, *, device: str | None = None) -> Classifier:
    """The encoder `model` with a classifier trained on it. Raises ValueError for other weights or another
    objective."""
    card = read_card(adapter)
    if card.objective != "classify":
        raise ValueError(
            f"'{adapter}' was trained with the objective '{card.objective}'; it gives no labels."
        )
    base = resolve_model(model)
    check_base(card, base)
    check_tokenizer(adapter, base)
    check_complete(Path(adapter))
    target = device or ("cuda" if torch.cuda.is_available() else "cpu")
    loaded = load_classifier_model(base, Path(adapter), card)
    tokenizer = AutoTokenizer.from_pretrained(str(adapter), local_files_only=True)
    return Classifier(model=loaded.to(target).eval(), tokenizer=tokenizer, card=card)


def load_classifier_model(base: Path, folder: Path, card: AdapterCard) -> Any:
    """The encoder with what was trained on it, in fp32, or a whole one with its head beside it."""
    encoder = load_encoder(folder if is_whole(card) else base, dtype=torch.float32)
    return with_head(EncoderClassifier(encoder, len(card.labels)), folder, card)
