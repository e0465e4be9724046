"""FAISS, flat inner product over the mapped vectors: exact, in process, no training."""

from __future__ import annotations

import faiss

from rag.stores import Home, Positions, Vectors
from rag.stores.exact import ExactStore, checked


class FaissStore:
    """Searches the vectors where they lie; few allowed ones are compared one by one."""

    def __init__(self, vectors: Vectors) -> None:
        self._exact = ExactStore(vectors)
        self._vectors = vectors

    def search(self, query: Vectors, k: int, allowed: Positions | None = None) -> list[tuple[int, float]]:
        row = checked(query, self._vectors).reshape(1, -1)
        wanted = min(k, len(self._vectors))
        if allowed is not None or wanted < 1:
            return self._exact.search(query, k, allowed)
        scores, positions = faiss.knn(row, self._vectors, wanted, metric=faiss.METRIC_INNER_PRODUCT)
        return list(zip(positions[0].tolist(), scores[0].tolist(), strict=True))

    def vectors(self, positions: Positions) -> Vectors:
        return self._exact.vectors(positions)

    def __len__(self) -> int:
        return len(self._vectors)


def build(vectors: Vectors, home: Home) -> None:
    """Nothing is needed beside the vectors."""


def load(vectors: Vectors, home: Home) -> FaissStore:
    """A store over the vectors as they are."""
    return FaissStore(vectors)
