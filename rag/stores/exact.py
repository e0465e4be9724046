"""Every vector compared with NumPy: the reference that the other stores are tested against."""

from __future__ import annotations

import numpy as np

from rag.stores import Home, Positions, Vectors


class ExactStore:
    """One matrix of unit vectors; in memory, or mapped from a file."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    def search(self, query: Vectors, k: int, allowed: Positions | None = None) -> list[tuple[int, float]]:
        row = checked(query, self._vectors)
        if k < 1 or not len(self._vectors):
            return []
        positions = None if allowed is None else np.unique(allowed)
        # Copying more than a quarter of the rows takes longer than comparing them all.
        few = positions is not None and 4 * len(positions) < len(self._vectors)
        scores = (self._vectors[positions] if few else self._vectors) @ row
        if positions is not None and not few:
            scores = scores[positions]
        best = best_first(scores, k)
        found = best if positions is None else positions[best]
        return list(zip(found.tolist(), scores[best].tolist(), strict=True))

    def vectors(self, positions: Positions) -> Vectors:
        return np.asarray(self._vectors[np.asarray(positions, dtype=np.int64)])

    def __len__(self) -> int:
        return len(self._vectors)


def build(vectors: Vectors, home: Home) -> None:
    """Nothing is needed beside the vectors."""


def load(vectors: Vectors, home: Home) -> ExactStore:
    """A store over the vectors as they are."""
    return ExactStore(vectors)


def best_first(scores: Vectors, k: int) -> Positions:
    """Places of the `k` greatest scores, greatest first; of equals the first."""
    if k < len(scores):
        # All that reach the k-th value: among its equals the sort below takes the first.
        kept = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
    else:
        kept = np.arange(len(scores))
    best: Positions = kept[np.argsort(-scores[kept], kind="stable")][:k]
    return best


def checked(query: Vectors, vectors: Vectors) -> Vectors:
    """The query as one row of float32. ValueError when it is not as long as the vectors."""
    row: Vectors = np.asarray(query, dtype=np.float32).reshape(-1)
    if len(row) != vectors.shape[1]:
        raise ValueError(f"The query has {len(row)} dimensions, the index {vectors.shape[1]}.")
    return row
