"""Makes vectors of texts with an embedder that was trained here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from finetune.adapter_weights import base_under, config_of, load_adapter
from finetune.adapters import is_whole, read_card
from finetune.defaults import defaults
from finetune.embed_model import embed_tokens
from finetune.embed_rows import longest
from finetune.encoder import EncoderClassifier, load_encoder
from finetune.schema import AdapterCard


class SentenceEmbedder:
    """A loaded embedder; a text beyond `tokens` is cut."""

    def __init__(self, *, model: Any, tokenizer: Any, card: AdapterCard, tokens: int) -> None:
        self.card = card
        self.tokens = tokens
        self._model = model
        self._tokenizer = tokenizer

    def embed(self, texts: Sequence[str]) -> torch.Tensor:
        """Unit vectors, one row for each text, fp32."""
        if not texts:
            return torch.empty(0, int(self._model.config.hidden_size))
        ids = self._tokenizer(list(texts), truncation=True, max_length=self.tokens)["input_ids"]
        pad, budget = self._tokenizer.pad_token_id or 0, int(defaults()["embed"]["pass_tokens"])
        with torch.inference_mode():
            device = next(self._model.parameters()).device
            return embed_tokens(self._model, ids, pad=pad, budget=budget, device=device).cpu()


def load_sentence_embedder(
    path: str | Path, *, model: str | None = None, device: str | None = None
) -> SentenceEmbedder:
    """The embedder in `path`, on its base (`model`: where that is, if not where the card says). Raises ValueError,
    OSError or ImportError in one line, also for an adapter of another objective or other weights."""
    folder, card = Path(path), read_card(path)
    if card.objective != "embed":
        raise ValueError(f"'{path}' was trained with the objective '{card.objective}'; it gives no vectors.")
    base = base_under(folder, card, model)
    target = device or ("cuda" if torch.cuda.is_available() else "cpu")
    loaded = bare_embedder(base) if is_whole(card) else load_adapter(bare_embedder(base), folder, card)
    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    tokens = longest(config_of(card), base)
    return SentenceEmbedder(model=loaded.to(target).eval(), tokenizer=tokenizer, card=card, tokens=tokens)


def bare_embedder(folder: Path) -> EncoderClassifier:
    """The encoder in a model folder as an embedder, in fp32."""
    return EncoderClassifier(load_encoder(folder, dtype=torch.float32), 0).eval()
