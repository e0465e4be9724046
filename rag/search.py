"""One search: the filter, a dense and a keyword leg, their fusion; what follows stands in rag/ordering.py."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.conditions import Where
from rag.embed import Embedder
from rag.filters import allowed_positions
from rag.fusion import Trust, combine, ranked, trust
from rag.generation import View
from rag.ordering import Order, Ranking, order_hits
from rag.recording import Recorder
from rag.schema import RagConfig
from rag.stores import Positions, Vectors
from rag.trace import Leg, SearchTrace


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
    pairs: dict[int, float]  # share of the query's neighbouring words that stand together in it
    vector: Vectors | None  # of the query; None when the dense leg was not used
    trust: Trust
    legs: tuple[Leg, ...]


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
    ranking = _filled(ranked(fuse(found)), allowed, k)
    record.fused(ranking, found.trust.weights, found.trust.reason)
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
    keyword_found = view.keyword.top(query, depth, allowed)
    keyword_leg = record.leg("keyword", keyword_found, begun)
    begun = time.perf_counter()
    met = view.keyword.words_met(query, [position for position, _ in keyword_found])
    trusted = trust(embedder.unknown_share(query), met.max(initial=0.0), any_keyword=bool(keyword_found))
    vector = embedder.embed([query])[0] if trusted.dense else None
    dense_found = [] if vector is None else view.store.search(vector, depth, allowed)
    dense_leg = record.leg("dense", dense_found, begun, "" if trusted.dense else trusted.reason)
    union = sorted({position for position, _ in [*dense_found, *keyword_found]})
    return Candidates(
        dense_found=dense_found,
        keyword_found=keyword_found,
        dense=exact_dense(view, vector, union),
        keyword=exact_keyword(view, query, union),
        pairs=dict(zip(union, view.keyword.pairs_met(query, union).tolist(), strict=True)),
        vector=vector,
        trust=trusted,
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


def fuse(found: Candidates) -> dict[int, float]:
    """The one place where the legs become one ranking."""
    scores = ([score for _, score in found.dense_found], [score for _, score in found.keyword_found])
    return combine(found.dense, found.keyword, found.pairs, scores, found.trust.dense)


def _filled(ranking: Ranking, allowed: Positions | None, k: int) -> Ranking:
    """Where a filter left passages that no leg returned, they follow in the order of the collection."""
    if allowed is None or len(ranking) >= min(k, len(allowed)):
        return ranking
    known = {position for position, _ in ranking}
    others = (position for position in allowed[: k + len(known)].tolist() if position not in known)
    return [*ranking, *((position, 0.0) for position in others)][: max(k, len(ranking))]
