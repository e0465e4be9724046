"""One search: the filter, a dense leg, a keyword leg, their fusion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag.embed import Embedder
from rag.fusion import fuse_scores, ranked
from rag.generation import View
from rag.schema import Hit
from rag.stores import Positions

# Above this share of unknown tokens the embedder cannot read the query, and its nearest vectors are noise.
UNREADABLE_SHARE = 0.25
# nDCG@10 with the dense leg at .3, .4, .5 and by rank fusion: covidqa_en .705 .718 .702 .650 (BM25 alone .655, dense
# .544), squad_en .952 .949 .931 .878 (.954, .732). One weight for every corpus is a compromise between such sets.
DENSE_WEIGHT, KEYWORD_WEIGHT = 0.4, 0.6


def search_view(
    view: View,
    embedder: Embedder,
    query: str,
    *,
    k: int,
    candidates: int,
    where: Mapping[str, Any] | None = None,
) -> list[Hit]:
    """The `k` best chunks. The filter comes before the search, so k hits come back whenever k chunks match."""
    allowed = view.allowed(where)
    if k < 1 or not query.strip() or not view.chunks or (allowed is not None and not len(allowed)):
        return []
    depth = max(candidates, k)
    dense = _dense(view, embedder, query, depth, allowed)
    keyword = dict(view.keyword.top(query, depth, allowed))
    fused = ranked(fuse_scores([dense, keyword], [DENSE_WEIGHT, KEYWORD_WEIGHT]))[:k]
    return _hits(view, fused, dense, keyword)


def _dense(
    view: View, embedder: Embedder, query: str, depth: int, allowed: Positions | None
) -> dict[int, float]:
    if embedder.unknown_share(query) > UNREADABLE_SHARE:
        return {}
    return dict(view.store.search(embedder.embed([query])[0], depth, allowed))


def _hits(
    view: View, fused: list[tuple[int, float]], dense: dict[int, float], keyword: dict[int, float]
) -> list[Hit]:
    dense_rank = {position: rank for rank, position in enumerate(dense, start=1)}
    keyword_rank = {position: rank for rank, position in enumerate(keyword, start=1)}
    return [
        Hit(
            chunk=view.chunks[position],
            score=score,
            rank=rank,
            dense_score=dense.get(position),
            dense_rank=dense_rank.get(position),
            keyword_score=keyword.get(position),
            keyword_rank=keyword_rank.get(position),
        )
        for rank, (position, score) in enumerate(fused, start=1)
    ]
