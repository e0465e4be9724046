"""Every vector compared with NumPy: the reference that the other stores are tested against."""

from __future__ import annotations

import io

import numpy as np

from rag.stores import Positions, Vectors


class ExactStore:
    """One matrix of unit vectors."""

    def __init__(self, dimension: int) -> None:
        self._vectors: Vectors = np.zeros((0, dimension), dtype=np.float32)

    def add(self, vectors: Vectors) -> None:
        self._vectors = np.concatenate([self._vectors, vectors.astype(np.float32)])

    def search(self, query: Vectors, k: int, allowed: Positions | None = None) -> list[tuple[int, float]]:
        positions = np.arange(len(self._vectors)) if allowed is None else np.sort(allowed)
        scores = self._vectors[positions] @ query.reshape(-1)
        best = np.argsort(-scores, kind="stable")[:k]
        return [(int(positions[index]), float(scores[index])) for index in best]

    def to_bytes(self) -> bytes:
        buffer = io.BytesIO()
        np.save(buffer, self._vectors, allow_pickle=False)
        return buffer.getvalue()

    def load(self, data: bytes) -> None:
        vectors = np.load(io.BytesIO(data), allow_pickle=False)
        if vectors.ndim != 2 or vectors.shape[1] != self._vectors.shape[1]:
            raise ValueError(f"stored vectors have shape {vectors.shape}, not (n, {self._vectors.shape[1]})")
        self._vectors = vectors.astype(np.float32)

    def __len__(self) -> int:
        return len(self._vectors)
