"""FAISS, flat inner product: exact, in process, no training."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from rag.stores import Positions, Vectors


class FaissStore:
    """An `IndexFlatIP`; approximate indexes would be another entry in STORES."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._index: Any = faiss.IndexFlatIP(dimension)

    def add(self, vectors: Vectors) -> None:
        self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))

    def search(self, query: Vectors, k: int, allowed: Positions | None = None) -> list[tuple[int, float]]:
        wanted = min(k, self._index.ntotal if allowed is None else len(allowed))
        if wanted < 1:
            return []
        row = np.ascontiguousarray(query.reshape(1, -1), dtype=np.float32)
        if allowed is None:
            scores, positions = self._index.search(row, wanted)
        else:
            chosen = faiss.IDSelectorBatch(np.ascontiguousarray(allowed, dtype=np.int64))
            settings: Any = faiss.SearchParameters()
            settings.sel = chosen
            scores, positions = self._index.search(row, wanted, params=settings)
        found = zip(positions[0].tolist(), scores[0].tolist(), strict=True)
        return [(position, score) for position, score in found if position >= 0]

    def to_bytes(self) -> bytes:
        return bytes(faiss.serialize_index(self._index).tobytes())

    def load(self, data: bytes) -> None:
        # faiss reads hostile bytes unsafely: callers check the SHA-256 of exactly these bytes first.
        index = faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8))
        if index.d != self._dimension:
            raise ValueError(f"stored vectors have {index.d} dimensions, not {self._dimension}")
        self._index = index

    def __len__(self) -> int:
        return int(self._index.ntotal)
