"""The shipped sentiment weights of each language, and what they say of texts: log-odds of each label."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from apps.news_features import Grams, buckets
from apps.news_words import signs
from rag.weights import file_digest, read_tensors

SHIPPED = Path(__file__).with_name("shipped") / "news-sentiment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A linear model: weights of the pieces (labels, 2 ** bits), of the lexicon's signs (labels, 4) and, where it
    helps, of MiniLM's vector (labels, 384)."""

    language: str
    labels: tuple[str, ...]
    kinds: Grams
    grams: Any
    vectors: Any | None
    vector_share: float  # what a squared length of 1 of the vector counts beside that of the pieces
    signs: Any
    sign_share: float
    bias: Any
    scale: float  # log-odds times this give probabilities that hold, found on rows left out of training

    def logits(self, texts: Sequence[str]) -> Any:
        """Shape (texts, labels)."""
        found = np.zeros((len(texts), len(self.labels)))
        for row, text in zip(found, texts, strict=True):
            at = buckets(text, self.kinds)
            row += self.bias + self.grams[:, at].sum(1) / np.sqrt(max(len(at), 1))
        found += np.sqrt(self.sign_share) * signs(texts, self.language) @ self.signs.T
        if self.vectors is not None and texts:
            found += np.sqrt(self.vector_share) * _embedded(texts) @ self.vectors.T
        return self.scale * found


def read_weights(language: str, folder: Path = SHIPPED) -> Weights:
    """The weights of "en" or "zh". Raises ValueError for a file that is not the card's."""
    return _read(language, folder)


@cache
def _read(language: str, folder: Path) -> Weights:
    card = read_card(folder)
    file = folder / "weights.safetensors"
    if (found := file_digest(file)) != card["sha256"]:
        raise ValueError(
            f"{file} is not the file of its card (sha256 {found[:12]}…); install the program again."
        )
    tensors, own = read_tensors(file), card["languages"][language]
    return Weights(
        language=language,
        labels=tuple(own["labels"]),
        kinds=Grams(words=tuple(own["words"]), characters=tuple(own["characters"]), bits=own["bits"]),
        grams=tensors[f"{language}.grams"],
        vectors=tensors.get(f"{language}.vectors"),
        vector_share=own["vector_share"],
        signs=tensors[f"{language}.signs"],
        sign_share=own["sign_share"],
        bias=tensors[f"{language}.bias"],
        scale=own["scale"],
    )


def read_card(folder: Path = SHIPPED) -> dict[str, Any]:
    """What was trained, on what, under which licence, and how good it is."""
    path = folder / "card.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; install the program again.")
    card: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return card


def _embedded(texts: Sequence[str]) -> Any:
    return np.asarray(_embedder().embed(list(texts)), dtype=np.float64)


@cache
def _embedder() -> Any:
    from rag.embed import load_embedder

    return load_embedder("minilm")
