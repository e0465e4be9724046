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


@dataclass(frozen=True, slots=True)
class Texts:
    """Several texts one after another: all their words, and how many each has."""

    words: Words
    lengths: Words

    @classmethod
    def of(cls, texts: Sequence[Words]) -> Texts:
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        return cls(np.concatenate([np.zeros(0, np.int64), *texts]), lengths)

    def owners(self) -> Words:
        """The number of the text of each word."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)


def share_of_words(asked: Asked, texts: Texts) -> NDArray[np.float64]:
    """For each text the share of the different words of the question that it holds, weighted by rarity, 0 to 1."""
    known = asked.words >= 0
    keys, first = np.unique(asked.words[known], return_index=True)
    weights = asked.rarities[known][first]
    total = weights.sum() + asked.rarities[~known].sum()  # unknown words count in the whole, each by itself
    return _gained(keys, weights, texts.words, texts.owners(), len(texts.lengths)) / max(float(total), 1e-9)


def share_of_pairs(asked: Asked, texts: Texts) -> NDArray[np.float64]:
    """For each text the share of the question's neighbouring words that stand in the same order with at most one
    other between them, weighted by rarity, 0 to 1."""
    left, right = asked.words[:-1], asked.words[1:]
    weights = (asked.rarities[:-1] + asked.rarities[1:]) / 2
    known = (left >= 0) & (right >= 0)
    keys, first = np.unique(_key(left[known], right[known]), return_index=True)
    gains = weights[known][first]
    total = gains.sum() + weights[~known].sum()
    met = np.zeros((len(keys), len(texts.lengths)), dtype=bool)
    owners = texts.owners()
    for step in (1, 2):
        together = owners[:-step] == owners[step:]  # no pair reaches over the end of a text
        pairs = _key(texts.words[:-step], texts.words[step:])[together]
        met |= _met(keys, pairs, owners[:-step][together], len(texts.lengths))
    return (gains @ met) / max(float(total), 1e-9)


def _gained(
    keys: Words, weights: NDArray[np.float64], found: Words, owners: Words, texts: int
) -> NDArray[np.float64]:
    gained: NDArray[np.float64] = weights @ _met(keys, found, owners, texts)
    return gained


def _met(keys: Words, found: Words, owners: Words, texts: int) -> NDArray[np.bool_]:
    """Shape (keys, texts): whether the text holds the key. `keys` ascend."""
    met = np.zeros((len(keys), texts), dtype=bool)
    if len(keys):
        places = np.minimum(np.searchsorted(keys, found), len(keys) - 1)
        held = keys[places] == found
        met[places[held], owners[held]] = True
    return met


def _key(left: Words, right: Words) -> NDArray[np.int64]:
    return (left << 32) | right
