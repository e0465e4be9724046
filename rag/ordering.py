"""From one ranking to the hits: reranking, newer versions first, diversity, neighbours; each where it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rag.catalogue import indexed_text
from rag.cross_encoder import CrossEncoder, mixed
from rag.diversity import choose_diverse
from rag.generation import View
from rag.neighbours import Widened, widen
from rag.recency import settle_versions
from rag.recording import Recorder
from rag.rerank import load_reranker
from rag.schema import RagConfig
from rag.stores import Positions, Vectors

Ranking = list[tuple[int, float]]
_NEAREST = 4  # passages of a newer version that are compared with one of the older
_NEAR_DUPLICATE = 0.95  # cosine


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the steps look at: the generation, the query, its vector where there is one, what the filter left."""

    view: View
    query: str
    vector: Vectors | None
    allowed: Positions | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """The hits as `(position, score)`, best first, and the span of positions that each stands for."""

    hits: Ranking
    spans: dict[int, tuple[int, int]]


def order_hits(order: Order, ranking: Ranking, config: RagConfig, k: int, record: Recorder) -> Ordered:
    """The `k` hits of a ranking; what is moved or passed over goes into the record."""
    if config.rerank:
        ranking = _reranked(order, ranking, config.rerank, max(config.candidates, k), record)
    if config.recency:
        settled = settle_versions(order.query, ranking, order.view.chunks, k, _nearest(order))
        ranking = settled.ranking
        record.versions(settled.replaced, settled.note)
    if config.diversity:
        ranking = _diverse(order, ranking, config.diversity, max(config.candidates, k), k, record)
    if not config.neighbours:
        hits = ranking[:k]
        return Ordered(hits=hits, spans={position: (position, position) for position, _ in hits})
    widened = _widened(order, ranking, config.neighbours, k)
    record.joined(widened.within, config.neighbours)
    scores = dict(ranking)
    return Ordered(hits=[(position, scores[position]) for position in widened.spans], spans=widened.spans)


def _reranked(order: Order, ranking: Ranking, name: str, depth: int, record: Recorder) -> Ranking:
    """The first `depth` read again by a cross-encoder; the others are no candidates any more. A question that it cannot
    read keeps its ranking."""
    reranker = load_reranker(name)
    if not ranking or not reranker.reads(order.query):
        record.unread(name)
        return ranking
    read = [position for position, _ in ranking[:depth]]
    texts = [indexed_text(order.view.chunks[position]) for position in read]
    if isinstance(reranker, CrossEncoder):
        fused = [score for _, score in ranking[:depth]]
        scores = mixed(fused, reranker.raw_scores(order.query, texts), reranker.weight)
    else:
        scores = reranker.scores(order.query, texts)
    best = np.argsort(-scores, kind="stable").tolist()  # of equals the one that was ranked better
    found = [(read[index], float(scores[index])) for index in best]
    record.reranked(name, found)
    return found


def _nearest(order: Order) -> Callable[[int], list[int]]:
    """The passages of a document that are nearest to the query, by both legs."""

    def nearest(number: int) -> list[int]:
        span = order.view.chunks.of_document(number)
        positions = np.arange(span.start, span.stop, dtype=np.int64)
        if order.allowed is not None:
            positions = np.intersect1d(positions, order.allowed, assume_unique=True)
        if not len(positions):
            return []
        scores = order.view.keyword.scores_at(order.query, positions).astype(np.float64)
        scores /= max(float(scores.max()), 1e-9)
        if order.vector is not None:
            scores += order.view.store.vectors(positions) @ order.vector
        found: list[int] = positions[np.argsort(-scores, kind="stable")[:_NEAREST]].tolist()
        return found

    return nearest


def _diverse(
    order: Order, ranking: Ranking, diversity: float, depth: int, k: int, record: Recorder
) -> Ranking:
    items = ranking[:depth]
    vectors = order.view.store.vectors(np.asarray([position for position, _ in items], dtype=np.int64))
    taken, likeness = choose_diverse([score for _, score in items], vectors, len(items), diversity)
    passed_over = {
        items[index][0]: f"near-duplicate of a hit (cosine {likeness[index]:.2f})"
        if likeness[index] >= _NEAR_DUPLICATE
        else "passed over for a hit that is less like the others"
        for index in taken[k:]
        if index < k
    }
    record.diverse(diversity, passed_over)
    return [items[index] for index in taken]


def _widened(order: Order, ranking: Ranking, neighbours: int, k: int) -> Widened:
    allowed = order.allowed

    def is_allowed(position: int) -> bool:
        if allowed is None:
            return True
        at = int(np.searchsorted(allowed, position))
        return at < len(allowed) and int(allowed[at]) == position

    return widen([position for position, _ in ranking], order.view.chunks, neighbours, k, is_allowed)
