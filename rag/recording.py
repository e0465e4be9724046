"""Keeps what happens during a search and makes the record of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rag.conditions import Where
from rag.recency import Replaced
from rag.schema import Hit
from rag.stores import Positions
from rag.trace import Dropped, Fused, Leg, Moved, Place, Ranked, SearchTrace

if TYPE_CHECKING:
    from rag.ordering import Ordered
    from rag.passages import Passages

Ranking = Sequence[tuple[int, float]]


class Recorder:
    """One search's; passages are named by their document and number, so that no text is decoded for it."""

    def __init__(
        self, passages: Passages, query: str, where: Where | None, allowed: Positions | None
    ) -> None:
        self._passages = passages
        self._known: dict[str, Any] = {
            "asked": query,
            "searched": query,
            "filter": "" if allowed is None else where if isinstance(where, str) else _said(where),
            "matching": len(passages) if allowed is None else len(allowed),
            "passages": len(passages),
        }
        self._legs: list[Leg] = []
        self._ranking: Ranking = ()
        self._why: dict[int, str] = {}
        self._firsts: dict[int, int] = {}

    def leg(self, name: str, found: Ranking, begun: float, reason: str = "") -> Leg:
        """What a leg returned, or why it was not used."""
        seconds = time.perf_counter() - begun
        leg = Leg(name=name, used=not reason, reason=reason, hits=self._ranked(found), seconds=seconds)
        self._legs.append(leg)
        return leg

    def fused(self, ranking: Ranking, weights: Mapping[str, float], reason: str) -> None:
        self._ranking = ranking
        self._known["fused"] = Fused(weights=dict(weights), reason=reason, ranking=self._ranked(ranking))

    def reranked(self, name: str, ranking: Ranking) -> None:
        self._known |= {"reranker": name, "reranked": self._ranked(ranking)}
        read = {position: rank for rank, (position, _) in enumerate(ranking, 1)}
        for position, _ in self._ranking:
            rank = read.get(position)
            self._why[position] = f"reranked to {rank}" if rank else "not among those that the reranker read"

    def unread(self, name: str) -> None:
        self._known["reranker"] = f"{name}, which does not know the words of the question,"

    def versions(self, replaced: Iterable[Replaced], note: str) -> None:
        self._known["recency"] = note
        self._known["moved"] = tuple(
            Moved(older=self._place(entry.older), newer=self._place(entry.newer), why=entry.why)
            for entry in replaced
        )
        self._why |= {entry.older: entry.why for entry in replaced}

    def diverse(self, diversity: float, passed_over: Mapping[int, str]) -> None:
        self._known["diversity"] = diversity
        self._why |= passed_over

    def joined(self, within: Mapping[int, int], neighbours: int) -> None:
        self._known["neighbours"] = neighbours
        self._why |= {
            position: f"stands within the hit of passage {hit + 1} of the index"
            for position, hit in within.items()
        }

    def finish(
        self,
        begun: float,
        ordered: Ordered | None = None,
        dense: Mapping[int, float] | None = None,
        keyword: Mapping[int, float] | None = None,
    ) -> SearchTrace:
        """The record, with the hits."""
        hits = self._hits(ordered, dense or {}, keyword or {}) if ordered else ()
        chosen = {position for position, _ in ordered.hits} if ordered else set()
        dropped = tuple(
            Dropped(
                place=self._place(position),
                rank=rank,
                why=self._why.get(position, f"beyond the first {len(hits)}"),
            )
            for rank, (position, _) in enumerate(self._ranking, 1)
            if position not in chosen
        )
        return SearchTrace(
            **self._known,
            legs=tuple(self._legs),
            dropped=dropped,
            hits=hits,
            seconds=time.perf_counter() - begun,
        )

    def _hits(
        self, ordered: Ordered, dense: Mapping[int, float], keyword: Mapping[int, float]
    ) -> tuple[Hit, ...]:
        by_name = {leg.name: {found.place.position: found.rank for found in leg.hits} for leg in self._legs}
        ranks = (by_name["dense"], by_name["keyword"])
        return tuple(
            self._hit(position, score, rank, ordered.spans[position], ranks, (dense, keyword))
            for rank, (position, score) in enumerate(ordered.hits, 1)
        )

    def _hit(
        self,
        position: int,
        score: float,
        rank: int,
        span: tuple[int, int],
        ranks: tuple[Mapping[int, int], Mapping[int, int]],
        scores: tuple[Mapping[int, float], Mapping[int, float]],
    ) -> Hit:
        chunk = self._passages.joined(*span)
        own = self._passages[position] if span != (position, position) else None
        return Hit(
            chunk=chunk,
            score=score,
            rank=rank,
            dense_score=scores[0].get(position),
            dense_rank=ranks[0].get(position),
            keyword_score=scores[1].get(position),
            keyword_rank=ranks[1].get(position),
            found=(own.start, own.end) if own else None,
        )

    def _ranked(self, found: Ranking) -> tuple[Ranked, ...]:
        return tuple(
            Ranked(place=self._place(position), rank=rank, score=score)
            for rank, (position, score) in enumerate(found, 1)
        )

    def _place(self, position: int) -> Place:
        number = int(self._passages.document_of[position])
        if number not in self._firsts:
            self._firsts[number] = self._passages.of_document(number).start
        return Place(
            position=position,
            source=self._passages.documents[number].source,
            number=position - self._firsts[number] + 1,
            page=int(self._passages.page_of[position]) or None,
        )


def _said(where: Any) -> str:
    """A filter that was given as a mapping, or as a parsed condition."""
    if isinstance(where, Mapping):
        return " and ".join(f"{key} = {value}" for key, value in where.items())
    return str(where)
