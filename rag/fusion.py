"""Two legs into one ranking (pure): how far each can be trusted with this query, and what an item gets from both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RRF_K = 60  # Cormack, Clarke and Büttcher 2009

# Above this share of unknown tokens the embedder cannot read the query, and its nearest vectors are mostly noise.
UNREADABLE_SHARE = 0.25
# Then they count only when words fail as well: no passage holds this share of the query's words (by rarity), as when
# the documents are in another language and only names and figures meet.
MET_BY_WORDS = 0.2
# benchmarks/retrieval.py prints what other weights give.
DENSE_WEIGHT, UNREAD_DENSE_WEIGHT, PAIRS_WEIGHT = 0.5, 0.3, 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The share of the dense leg in the sum of both, 0 to 1, and why."""

    dense: float
    reason: str

    @property
    def weights(self) -> dict[str, float]:
        used = {"dense": self.dense, "keyword": 1 - self.dense}
        return {name: round(share, 3) for name, share in used.items() if share > 0}


def trust(unknown: float, met: float, *, any_keyword: bool) -> Trust:
    """`unknown` is the share of the query's tokens that the embedder does not know; `met` the greatest share of its
    words, by rarity, that one passage holds."""
    if unknown <= UNREADABLE_SHARE:
        if any_keyword:
            return Trust(dense=DENSE_WEIGHT, reason="both legs read the query")
        return Trust(dense=1.0, reason="no passage holds a word of the query")
    unread = f"the embedder does not know {unknown:.0%} of the query's tokens"
    if met >= MET_BY_WORDS:
        return Trust(dense=0.0, reason=unread)
    dense = UNREAD_DENSE_WEIGHT if any_keyword else 1.0
    return Trust(dense=dense, reason=f"{unread}, but no passage holds more than {met:.0%} of its words")


def combine(
    dense: Mapping[int, float],
    keyword: Mapping[int, float],
    pairs: Mapping[int, float],
    found: tuple[Sequence[float], Sequence[float]],
    weight: float,
    pairs_weight: float = PAIRS_WEIGHT,
) -> dict[int, float]:
    """A score from 0 to 1 for every item: a convex sum of both legs' scores, and the question's words side by side.

    `dense` and `keyword` hold the exact scores of all items, `found` the scores that each leg returned: they are
    brought to 0..1 by the least and the greatest of these, so that an item which a leg missed gets its true place.
    """
    near, said = _unit(dense, found[0]), _unit(keyword, found[1])
    return {
        item: (
            weight * near.get(item, 0.0)
            + (1 - weight) * said.get(item, 0.0)
            + pairs_weight * pairs.get(item, 0.0)
        )
        / (1 + pairs_weight)
        for item in dense.keys() | keyword.keys()
    }


def _unit(scores: Mapping[int, float], found: Sequence[float]) -> dict[int, float]:
    if not found:
        return {}
    low, high = min(found), max(found)
    if high <= low:
        return {item: float(score >= high) for item, score in scores.items()}
    return {item: min(max((score - low) / (high - low), 0.0), 1.0) for item, score in scores.items()}


def fuse_ranks(legs: Sequence[Sequence[int]], weights: Sequence[float]) -> dict[int, float]:
    """Reciprocal rank fusion: each leg gives weight / (60 + rank) to the items it ranks."""
    fused: dict[int, float] = {}
    for items, weight in zip(legs, weights, strict=True):
        if weight > 0:
            for rank, item in enumerate(items, start=1):
                fused[item] = fused.get(item, 0.0) + weight / (RRF_K + rank)
    return fused


def ranked(fused: Mapping[int, float]) -> list[tuple[int, float]]:
    """Best first; equal scores keep the order of the collection."""
    return sorted(fused.items(), key=lambda item: (-item[1], item[0]))
