"""An encoder that makes one unit vector of each text, as all-MiniLM-L6-v2 and its kind do: the mean of the token
vectors, divided by its length."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from finetune.embed_batches import like_long, padded
from finetune.encoder import EncoderClassifier

LENGTHS = "sentence_bert_config.json"
# What sentence-transformers reads beside a model: which steps make a vector of a text.
STEPS = (
    ("", "sentence_transformers.models.Transformer"),
    ("1_Pooling", "sentence_transformers.models.Pooling"),
    ("2_Normalize", "sentence_transformers.models.Normalize"),
)


def vectors(model: nn.Module, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """Unit vectors of texts, one row each, in fp32."""
    pooled: torch.Tensor = model(input_ids=input_ids, attention_mask=attention_mask).logits
    return functional.normalize(pooled.float(), dim=-1)


def embed_tokens(
    model: nn.Module, ids: list[list[int]], *, pad: int, budget: int, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Unit vectors of tokenised texts, in their order; `budget` tokens at a time, padding included."""
    found: list[torch.Tensor] = [torch.empty(0)] * len(ids)
    for places in like_long(list(map(len, ids)), budget):
        batch = {name: value.to(device) for name, value in padded([ids[at] for at in places], pad).items()}
        for at, vector in zip(places, vectors(model, **batch), strict=True):
            found[at] = vector
    return torch.stack(found)


def write_steps(encoder: Any, base: Path, target: Path, tokens: int) -> None:
    """Makes a folder of an encoder's weights one that sentence-transformers reads: mean, then unit length."""
    modules = [
        {"idx": at, "name": str(at), "path": path, "type": kind} for at, (path, kind) in enumerate(STEPS)
    ]
    _write(target / "modules.json", modules)
    pooling = {"word_embedding_dimension": int(encoder.config.hidden_size), "pooling_mode_mean_tokens": True}
    others = ("cls_token", "max_tokens", "mean_sqrt_len_tokens")
    pooling |= {f"pooling_mode_{name}": False for name in others}
    for path, _ in STEPS[1:]:
        (target / path).mkdir(exist_ok=True)
    _write(target / "1_Pooling" / "config.json", pooling)
    if (base / LENGTHS).is_file():
        shutil.copy(base / LENGTHS, target / LENGTHS)
    else:
        _write(target / LENGTHS, {"max_seq_length": tokens, "do_lower_case": False})


def _write(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def whole_encoder(model: Any) -> Any | None:
    """The encoder of a model whose every weight is trained; None where an adapter is."""
    if isinstance(model, EncoderClassifier) and all(weight.requires_grad for weight in model.parameters()):
        return model.encoder
    return None
