"""The dense leg alone: the chunks nearest to a vector, with the vectors that are stored of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rag.conditions import Where
from rag.filters import allowed_positions
from rag.generation import View
from rag.schema import Hit
from rag.stores import Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A chunk and its stored unit vector; `hit.score` is the cosine."""

    hit: Hit
    vector: Vectors


def nearest_in_view(view: View, vector: Vectors, k: int, where: Where | None = None) -> list[Near]:
    """The `k` nearest chunks among those that the filter allows, best first; `vector` need not have unit length."""
    allowed = allowed_positions(view.chunks, where)
    length = float(np.linalg.norm(vector))
    if k < 1 or not len(view.chunks) or not length or (allowed is not None and not len(allowed)):
        return []
    found = view.store.search(np.asarray(vector, dtype=np.float32) / length, k, allowed)
    vectors = view.store.vectors(np.asarray([position for position, _ in found], dtype=np.int64))
    return [
        Near(
            hit=Hit(
                chunk=view.chunks[position], score=cosine, rank=rank, dense_score=cosine, dense_rank=rank
            ),
            vector=vectors[rank - 1],
        )
        for rank, (position, cosine) in enumerate(found, start=1)
    ]
