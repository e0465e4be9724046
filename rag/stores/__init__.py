"""Vector stores by name; each is one file with `build` and `load`, which give a `VectorStore`."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Positions = NDArray[np.int64]

STORES: dict[str, str] = {
    "exact": "rag.stores.exact",
    "faiss": "rag.stores.faiss",
    "milvus": "rag.stores.milvus",
}
CHANGING = frozenset({"milvus"})  # stores whose files change while they are read: no sum can be kept of them
_EXTRA = {"milvus": "scale"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where a store keeps what it makes of one generation's vectors."""

    folder: Path  # of its own; empty when it builds
    earlier: Path | None = None  # the folder of the generation before, whose work may be kept
    moved: NDArray[np.int32] | None = (
        None  # where its vectors stand now, -1 for one that is gone; None = unknown
    )
    collection: str = "g0001"  # names the generation in a store that lives elsewhere
    uri: str | None = None  # of a store that lives elsewhere; None = in the folder
    token: str | None = field(default=None, repr=False)


class VectorStore(Protocol):
    """Unit vectors by position, found by inner product. The vectors themselves lie in a mapped file beside it."""

    def search(self, query: Vectors, k: int, allowed: Positions | None = None) -> list[tuple[int, float]]:
        """Up to `k` (position, cosine), best first; `allowed` restricts the search before it ranks."""
        ...

    def vectors(self, positions: Positions) -> Vectors:
        """The stored vectors as they were given, shape (len(positions), dimension)."""
        ...

    def __len__(self) -> int: ...


def build_store(name: str, vectors: Vectors, home: Home) -> None:
    """Make what the store needs beside the vectors, in its home. ValueError when the name is not known."""
    _module(name).build(vectors, home)


def load_store(name: str, vectors: Vectors, home: Home) -> VectorStore:
    """A store over these vectors and what `build_store` made of them.

    ValueError or OSError when that is missing or does not fit; the caller has checked the sums of the files.
    """
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise ValueError(
            f"vectors must be float32 of shape (n, dimension), not {vectors.dtype}{vectors.shape}"
        )
    store: VectorStore = _module(name).load(vectors, home)
    return store


def drop_store(name: str, home: Home) -> None:
    """Give up what a generation holds outside its folder; stores that live in the folder hold nothing else."""
    drop = getattr(_module(name), "drop", None)
    if drop is not None:
        drop(home)


def _module(name: str) -> ModuleType:
    if name not in STORES:
        raise ValueError(f"Unknown vector store {name!r}; choose one of {sorted(STORES)}.")
    try:
        return importlib.import_module(STORES[name])
    except ModuleNotFoundError as error:
        extra = _EXTRA.get(name, "rag")
        raise ImportError(
            f"Vector store {name!r} needs {error.name}: pip install 'llm-adaptation-advisor[{extra}]'"
        ) from error
