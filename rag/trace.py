"""The record of one search: what was asked, what each leg gave, what was moved or dropped and why, what came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rag.schema import Hit

_SHOWN_DROPPED = 12  # lines of a rendered trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A passage without its text: the `number`-th of its document, from 1."""

    position: int  # in the index
    source: str
    number: int
    page: int | None = None

    def __str__(self) -> str:
        page = f", page {self.page}" if self.page else ""
        return f"{self.source}{page}, passage {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A passage with a rank from 1 and the score that gave it."""

    place: Place
    rank: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """What one way of searching returned; `reason` says why it was not used."""

    name: str  # "dense", "keyword"
    used: bool
    reason: str = ""
    hits: tuple[Ranked, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """One ranking made of both: how much each leg counted and why."""

    weights: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    ranking: tuple[Ranked, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A passage of an older version and the newer one that stands before it."""

    older: Place
    newer: Place
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A passage that was ranked and is no hit; `rank` is the one that the fusion gave it."""

    place: Place
    rank: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTrace:
    """All that a search did. Spans and scores of the hits are those that `Index.search` gives."""

    asked: str
    searched: str
    rewrite: str = ""  # why it was searched as something else
    filter: str = ""  # "" = none
    matching: int = 0  # passages that the filter left
    passages: int = 0  # in the index
    legs: tuple[Leg, ...] = ()
    fused: Fused = Fused()
    reranker: str = ""
    reranked: tuple[Ranked, ...] = ()
    moved: tuple[Moved, ...] = ()
    recency: str = ""  # why versions were left as they were
    diversity: float = 0.0
    neighbours: int = 0
    dropped: tuple[Dropped, ...] = ()
    hits: tuple[Hit, ...] = ()
    seconds: float = 0.0

    def asked_as(self, asked: str, rewrite: str) -> SearchTrace:
        """The same search for a question that was rewritten before it."""
        return replace(self, asked=asked, rewrite=rewrite)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def render(self) -> str:
        """The record as lines of text."""
        lines = [*self._head(), "", *_table(self.hits)]
        for moved in self.moved:
            lines.append(f"older     {moved.older}: {moved.why}; the newer is passage {moved.newer.number}")
        if self.recency:
            lines.append(f"versions  left as they were: {self.recency}")
        for dropped in self.dropped[:_SHOWN_DROPPED]:
            lines.append(f"dropped   {dropped.rank:>3}. {dropped.place}: {dropped.why}")
        if len(self.dropped) > _SHOWN_DROPPED:
            lines.append(f"          and {len(self.dropped) - _SHOWN_DROPPED} more")
        return "\n".join(lines)

    def _head(self) -> list[str]:
        lines = [f"query     {_line(self.asked)}"]
        if self.searched != self.asked:
            lines.append(f"searched  {_line(self.searched)} ({self.rewrite})")
        if self.filter:
            lines.append(f"filter    {_line(self.filter)}: {self.matching:,} of {self.passages:,} passages")
        for leg in self.legs:
            what = f"{len(leg.hits)} passages" if leg.used else f"not used: {leg.reason}"
            lines.append(f"{leg.name:<9} {what}, {leg.seconds * 1000:.1f} ms")
        weights = ", ".join(f"{name} {weight:.2f}" for name, weight in self.fused.weights.items())
        if weights:
            lines.append(f"fusion    {weights}" + (f" ({self.fused.reason})" if self.fused.reason else ""))
        if self.reranker:
            lines.append(f"reranker  {self.reranker} read {len(self.reranked)} passages")
        if self.diversity:
            lines.append(f"diversity {self.diversity:.2f}")
        return [*lines, f"total     {self.seconds * 1000:.1f} ms"]


def _table(hits: tuple[Hit, ...]) -> list[str]:
    """One line a hit, with the rank and score of each leg."""
    if not hits:
        return ["Nothing found."]
    lines = [f"{'rank':>4}  {'score':>6}  {'dense':>11}  {'BM25':>12}  passage"]
    for hit in hits:
        chunk = hit.chunk
        place = f"{chunk.source}{f', page {chunk.page}' if chunk.page else ''}, characters {chunk.start}-{chunk.end}"
        dense, keyword = (
            _leg(hit.dense_rank, hit.dense_score, 2),
            _leg(hit.keyword_rank, hit.keyword_score, 1),
        )
        lines.append(f"{hit.rank:>4}  {hit.score:>6.3f}  {dense:>11}  {keyword:>12}  {place}")
    return lines


def _leg(rank: int | None, score: float | None, digits: int) -> str:
    if score is None:
        return "-"
    return f"{score:.{digits}f} ({'-' if rank is None else rank})"


def _line(text: str) -> str:
    return " ".join(text.split())
