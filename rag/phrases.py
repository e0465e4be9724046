"""How much of a question a text says in its own words: the share of its words, and of its words side by side (pure).

Pairs are those of the sequential dependence model (Metzler and Croft 2005): what a bag of words cannot tell apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.int64]  # numbers of words, in the order of a text


@dataclass(frozen=True, slots=True)
class Asked:
    """The words of a question: their numbers, -1 for one that no text holds, and how rare each is."""

    words: Words
    rarities: NDArray[np.float64]


def share_of_words(asked: Asked, texts: Sequence[Words]) -> NDArray[np.float64]:
    """For each text the share of the different words of the question that it holds, weighted by rarity, 0 to 1."""
    words, first = np.unique(asked.words, return_index=True)
    weights = asked.rarities[first]
    # All unknown words are one number; each of them counts in the whole.
    total = weights[words >= 0].sum() + asked.rarities[asked.words < 0].sum()
    held = [np.isin(words, text) & (words >= 0) for text in texts]
    return _shares([float(weights[found].sum()) for found in held], total)


def share_of_pairs(asked: Asked, texts: Sequence[Words]) -> NDArray[np.float64]:
    """For each text the share of the question's neighbouring words that stand in the same order with at most one
    other between them, weighted by rarity, 0 to 1."""
    left, right = asked.words[:-1], asked.words[1:]
    weights = (asked.rarities[:-1] + asked.rarities[1:]) / 2
    keys, first = np.unique(_key(left, right), return_index=True)
    known = (left >= 0) & (right >= 0)
    total = weights[first][known[first]].sum() + weights[~known].sum()
    kept = keys[known[first]]
    if not len(kept):
        return np.zeros(len(texts))
    gains = weights[first][known[first]]
    return _shares([float(gains[np.isin(kept, _near(text))].sum()) for text in texts], total)


def _shares(gained: list[float], total: float) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.array(gained, dtype=np.float64) / max(float(total), 1e-9)
    return shares


def _near(text: Words) -> NDArray[np.int64]:
    return np.concatenate([_key(text[:-1], text[1:]), _key(text[:-2], text[2:])])


def _key(left: Words, right: Words) -> NDArray[np.int64]:
    return (left.astype(np.int64) << 32) | (right.astype(np.int64) & 0xFFFFFFFF)
