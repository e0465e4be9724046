"""Maximal marginal relevance (Carbonell and Goldstein 1998): hits that are good and unlike one another (pure)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def choose_diverse(
    scores: Sequence[float], vectors: NDArray[np.float32], k: int, diversity: float
) -> tuple[list[int], list[float]]:
    """Indices of up to `k` items in the order in which they are taken, and how like the likeliest taken each item is.

    `scores` are brought to 0..1 by their least and greatest. `diversity` 0 goes by them alone, 1 by unlikeness alone,
    where the best comes first all the same. `vectors` are unit vectors.
    """
    if not 0 <= diversity <= 1:
        raise ValueError(f"diversity={diversity} must be from 0 to 1.")
    relevance = _between_zero_and_one(np.asarray(scores, dtype=np.float64))
    likeness = np.zeros(len(relevance))
    worth = relevance.copy()
    taken: list[int] = []
    while len(taken) < min(k, len(relevance)):
        best = int(np.argmax(worth))
        taken.append(best)
        likeness = np.maximum(likeness, vectors @ vectors[best])
        worth = (1 - diversity) * relevance - diversity * likeness
        worth[taken] = -np.inf
    return taken, likeness.tolist()


def _between_zero_and_one(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(scores):
        return scores
    low, high = scores.min(), scores.max()
    return (scores - low) / (high - low) if high > low else np.ones_like(scores)
