"""Two ranked lists into one (pure): reciprocal rank fusion and a convex combination of normalised scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

RRF_K = 60  # Cormack, Clarke and Büttcher 2009


def fuse_ranks(legs: Sequence[Sequence[int]], weights: Sequence[float]) -> dict[int, float]:
    """Reciprocal rank fusion: each leg gives weight / (60 + rank) to the items it ranks."""
    fused: dict[int, float] = {}
    for items, weight in zip(legs, weights, strict=True):
        if weight > 0:
            for rank, item in enumerate(items, start=1):
                fused[item] = fused.get(item, 0.0) + weight / (RRF_K + rank)
    return fused


def fuse_scores(legs: Sequence[Mapping[int, float]], weights: Sequence[float]) -> dict[int, float]:
    """Sum of each leg's scores, brought to 0..1 by its least and greatest, times its share of weight.

    An item that a leg did not return gets that leg's 0. A leg of weight 0 adds no items.
    """
    total = sum(weights)
    fused: dict[int, float] = {}
    for scores, weight in zip(legs, weights, strict=True):
        if weight <= 0 or not scores:
            continue
        low, high = min(scores.values()), max(scores.values())
        for item, score in scores.items():
            share = (score - low) / (high - low) if high > low else 1.0
            fused[item] = fused.get(item, 0.0) + share * weight / total
    return fused


def ranked(fused: Mapping[int, float]) -> list[tuple[int, float]]:
    """Best first; equal scores keep the order of the collection."""
    return sorted(fused.items(), key=lambda item: (-item[1], item[0]))
