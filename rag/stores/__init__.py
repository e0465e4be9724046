"""Vector stores by name; each is one file that answers the `VectorStore` protocol."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Positions = NDArray[np.int64]

STORES: dict[str, str] = {
    "exact": "rag.stores.exact:ExactStore",
    "faiss": "rag.stores.faiss:FaissStore",
}


class VectorStore(Protocol):
    """Unit vectors by position, found by inner product."""

    def add(self, vectors: Vectors) -> None: ...

    def search(self, query: Vectors, k: int, allowed: Positions | None = None) -> list[tuple[int, float]]:
        """Up to `k` (position, cosine), best first; `allowed` restricts the search before it ranks."""
        ...

    def to_bytes(self) -> bytes: ...

    def load(self, data: bytes) -> None:
        """Take back what `to_bytes` gave; the caller has checked its sum."""
        ...

    def __len__(self) -> int: ...


def open_store(name: str, dimension: int) -> VectorStore:
    """An empty store. ValueError when the name is not known."""
    if name not in STORES:
        raise ValueError(f"Unknown vector store {name!r}; choose one of {sorted(STORES)}.")
    module, kind = STORES[name].split(":")
    try:
        make: Callable[[int], VectorStore] = getattr(importlib.import_module(module), kind)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"Vector store {name!r} needs {error.name}: pip install 'llm-adaptation-advisor[rag]'"
        ) from error
    return make(dimension)
