"""How well a search finds what belongs to its questions, pure: recall@1, MRR@10, nDCG@10 of each question."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

DEPTH = 10
SCORES = ("ndcg_at_10", "mrr_at_10", "recall_at_1")


def search_scores(order: Sequence[int], right: Collection[int]) -> dict[str, float]:
    """Of one question: `order` are passages, best first, `right` those that answer it, at least one.

    recall@1 is 1 where the first passage is right; MRR@10 is 1 / the place of the first right one, 0 beyond the tenth;
    nDCG@10 has the gain 1 for a right one and the discount log2(place + 1) (Järvelin and Kekäläinen 2002).
    """
    places = [place for place, passage in enumerate(order[:DEPTH], start=1) if passage in right]
    best = sum(1 / math.log2(place + 1) for place in range(1, min(DEPTH, len(right)) + 1))
    return {
        "ndcg_at_10": sum(1 / math.log2(place + 1) for place in places) / best,
        "mrr_at_10": 1 / places[0] if places else 0.0,
        "recall_at_1": float(places[:1] == [1]),
    }
