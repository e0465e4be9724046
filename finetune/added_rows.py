"""Rows that are added to a model's embeddings: what they start from, and which weights get them."""

from __future__ import annotations

import math
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

_NOISE = (
    0.5  # of the old rows' spread: rows that start equal tell their characters apart only after some steps
)
_RIDGE = 0.3  # pulls a row to the mean of all: a character of one pair goes three quarters of the way back
# Weights with a row for each word: the embeddings, and where a model has them an output layer and its bias.
_NAMES = ("word_embeddings", "embed_tokens", "tok_embeddings", "predictions.", "vocab_projector", "lm_head")

Tokens = Sequence[tuple[Sequence[int], Sequence[int]]]  # of a text, and of its translation


def tokens_of(old: Any, new: Any, pairs: Sequence[tuple[str, str]]) -> Tokens:
    """`new` reads the texts, `old` their translations: tokenizers before and after new pieces."""
    texts = new.encode_batch([text for text, _ in pairs], add_special_tokens=False)
    same = old.encode_batch([translation for _, translation in pairs], add_special_tokens=False)
    read = [(text.ids, translation.ids) for text, translation in zip(texts, same, strict=True)]
    return [(text, translation) for text, translation in read if text and translation]


def extend_weights(base: Path, target: Path, rows: int, count: int, pairs: Tokens, seed: int) -> float:
    """Writes the weights with `count` new rows; the old ones stay bit for bit. Returns MiB that were added."""
    size = 0
    for file in sorted(base.glob("*.safetensors")):
        weights = load_file(file)
        grown = [name for name, weight in weights.items() if _has_row_per_word(name, weight, rows)]
        if not grown:
            shutil.copy(file, target)
            continue
        for name in grown:
            added = _new_rows(weights[name], count, pairs, seed)
            weights[name] = torch.cat([weights[name], added])
            size += added.nbytes
        save_file(weights, target / file.name, {"format": "pt"})
    if not size:
        raise ValueError(
            f"No weight of '{base}' has {rows} rows, the vocab_size of its config; it cannot be extended."
        )
    return size / 2**20


def _has_row_per_word(name: str, weight: torch.Tensor, rows: int) -> bool:
    return weight.ndim in (1, 2) and len(weight) == rows and any(part in name for part in _NAMES)


def _new_rows(weight: torch.Tensor, count: int, pairs: Tokens, seed: int) -> torch.Tensor:
    known = weight.float()
    noise = torch.randn((count, *known.shape[1:]), generator=torch.Generator().manual_seed(seed))
    new = known.mean(0) + _NOISE * known.std(0) * noise
    if weight.ndim == 2 and pairs:
        told = sorted({number - len(known) for text, _ in pairs for number in text if number >= len(known)})
        new[told] = _from_translations(known, count, pairs)[told]
    return new.to(weight.dtype)


def _from_translations(known: torch.Tensor, count: int, pairs: Tokens) -> torch.Tensor:
    """Rows whose mean over a text comes nearest to the mean of its translation's words, rare words counting more.

    A ridge regression, so that a character which stands in many words gets what these have in common: solved at once,
    where learning it would take many steps.
    """
    rows, mean = len(known), known.mean(0)
    in_pairs = Counter(word for _, translation in pairs for word in set(translation))
    places: list[tuple[int, torch.Tensor, float]] = []
    wanted = torch.empty(len(pairs), known.shape[1])
    for at, (text, translation) in enumerate(pairs):
        rarity = torch.tensor([math.log((1 + len(pairs)) / in_pairs[word]) for word in translation])
        read = [number for number in text if number < rows]
        wanted[at] = (rarity / rarity.sum()) @ known[list(translation)] - mean
        wanted[at] -= (known[read] - mean).sum(0) / len(text)
        columns = torch.tensor([number - rows for number in text if number >= rows])
        places += [(at, columns, 1 / len(text))] if len(columns) else []
    if not places:
        return mean.repeat(count, 1)
    normal, sums = _RIDGE * torch.eye(count), torch.zeros(count, known.shape[1])
    for at, columns, share in places:
        square = torch.full((len(columns), len(columns)), share * share)
        normal.index_put_((columns[:, None], columns[None, :]), square, accumulate=True)
        sums.index_add_(0, columns, wanted[at].expand(len(columns), -1), alpha=share)
    solved: torch.Tensor = torch.linalg.solve(normal, sums)
    return mean + solved
