"""How near two texts are in meaning, by the embedder of an index; says nothing of texts that it cannot read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

UNREADABLE_SHARE = 0.25  # of unknown tokens, above which an embedder's vectors are noise

# Cosines of a claim with each quote; an empty sequence when the embedder cannot read them.
Similarity = Callable[[str, Sequence[str]], Sequence[float]]


def similarity_by(embedder: Any) -> Similarity | None:
    """The measure of an embedder; None for a retriever that has none."""
    if embedder is None or not hasattr(embedder, "embed"):
        return None

    def similarity(claim: str, quotes: Sequence[str]) -> Sequence[float]:
        unknown: Callable[[str], float] = getattr(embedder, "unknown_share", lambda text: 0.0)
        if not quotes or unknown(claim) > UNREADABLE_SHARE or unknown(" ".join(quotes)) > UNREADABLE_SHARE:
            return ()
        vectors = embedder.embed([claim, *quotes])
        return [float(cosine) for cosine in vectors[1:] @ vectors[0]]

    return similarity
