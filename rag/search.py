"""One search: the filter, a dense and a keyword leg, their fusion; what follows stands in rag/ordering.py."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.conditions import Where
from rag.embed import Embedder
from rag.filters import allowed_positions
from rag.fusion import fuse_scores, ranked
from rag.generation import View
from rag.ordering import Order, Ranking, order_hits
from rag.recording import Recorder
from rag.schema import RagConfig
from rag.stores import Positions, Vectors
from rag.trace import Leg, SearchTrace

# Above this share of unknown tokens the embedder cannot read the query, and its nearest vectors are noise.
UNREADABLE_SHARE = 0.25
# nDCG@10 with the dense leg at .3, .4, .5 and by rank fusion: covidqa_en .705 .718 .702 .650 (BM25 alone .655, dense
# .544), squad_en .952 .949 .931 .878 (.954, .732). One weight for every corpus is a compromise between such sets.
DENSE_WEIGHT, KEYWORD_WEIGHT = 0.4, 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What the legs found, best first, and for all that either found the exact score of both.

    An item that one leg missed has its true cosine and BM25 in `dense` and `keyword`. A leg that was not used is empty
    in both.
    """

    dense_found: Ranking
    keyword_found: Ranking
    dense: dict[int, float]
    keyword: dict[int, float]
    vector: Vectors | None  # of the query; None when the dense leg was not used
    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fusion:
    """A score for every candidate, 0 to 1, how much each leg counted and why."""

    scores: dict[int, float]
    weights: dict[str, float]
    reason: str = ""


def search_view(
    view: View, embedder: Embedder, query: str, *, config: RagConfig, k: int, where: Where | None = None
) -> SearchTrace:
    """The `k` best chunks, as `hits` of the record of how they were found.

    The filter comes before the search, so that k hits come back whenever k chunks match. ValueError for a filter that
    is wrong.
    """
    begun = time.perf_counter()
    allowed = allowed_positions(view.chunks, where)
    record = Recorder(view.chunks, query, where, allowed)
    if k < 1 or not query.strip() or not len(view.chunks) or (allowed is not None and not len(allowed)):
        return record.finish(begun)
    found = find_passages(view, embedder, query, max(config.candidates, k), allowed, record)
    fusion = fuse(found)
    ranking = _filled(ranked(fusion.scores), allowed, k)
    record.fused(ranking, fusion.weights, fusion.reason)
    order = order_hits(
        Order(view=view, query=query, vector=found.vector, allowed=allowed), ranking, config, k, record
    )
    added = [position for position, _ in order.hits if position not in found.keyword]
    dense = found.dense | exact_dense(view, found.vector, added)
    return record.finish(begun, order, dense, found.keyword | exact_keyword(view, query, added))


def find_passages(
    view: View, embedder: Embedder, query: str, depth: int, allowed: Positions | None, record: Recorder
) -> Candidates:
    """Ask both legs for `depth` passages each and give every one of them both scores."""
    begun = time.perf_counter()
    unknown = embedder.unknown_share(query)
    vector: Vectors | None = None
    dense_found: Ranking = []
    if unknown <= UNREADABLE_SHARE:
        vector = embedder.embed([query])[0]
        dense_found = view.store.search(vector, depth, allowed)
    reason = "" if vector is not None else f"the embedder does not know {unknown:.0%} of the query's tokens"
    dense_leg = record.leg("dense", dense_found, begun, reason)
    begun = time.perf_counter()
    keyword_found = view.keyword.top(query, depth, allowed)
    keyword_leg = record.leg("keyword", keyword_found, begun)
    union = sorted({position for position, _ in [*dense_found, *keyword_found]})
    return Candidates(
        dense_found=dense_found,
        keyword_found=keyword_found,
        dense=exact_dense(view, vector, union),
        keyword=exact_keyword(view, query, union),
        vector=vector,
        legs=(dense_leg, keyword_leg),
    )


def exact_dense(view: View, vector: Vectors | None, positions: Sequence[int]) -> dict[int, float]:
    """The cosine of the query and each of these passages, from the stored vectors; nothing without a query vector."""
    if vector is None or not positions:
        return {}
    cosines = view.store.vectors(np.asarray(positions, dtype=np.int64)) @ vector
    return dict(zip(positions, cosines.tolist(), strict=True))


def exact_keyword(view: View, query: str, positions: Sequence[int]) -> dict[int, float]:
    """BM25 of each of these passages, 0 where none of the words occurs."""
    if not positions:
        return {}
    return dict(zip(positions, view.keyword.scores_at(query, positions).tolist(), strict=True))


def fuse(found: Candidates) -> Fusion:
    """The one place where the legs become one ranking."""
    weights = {"dense": DENSE_WEIGHT, "keyword": KEYWORD_WEIGHT} if found.dense_found else {"keyword": 1.0}
    legs = (
        [dict(found.dense_found), dict(found.keyword_found)]
        if found.dense_found
        else [dict(found.keyword_found)]
    )
    return Fusion(scores=fuse_scores(legs, list(weights.values())), weights=weights)


def _filled(ranking: Ranking, allowed: Positions | None, k: int) -> Ranking:
    """Where a filter left passages that no leg returned, they follow in the order of the collection."""
    if allowed is None or len(ranking) >= min(k, len(allowed)):
        return ranking
    known = {position for position, _ in ranking}
    others = (position for position in allowed[: k + len(known)].tolist() if position not in known)
    return [*ranking, *((position, 0.0) for position in others)][: max(k, len(ranking))]
