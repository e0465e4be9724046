"""A hit with the passages around it: within one document, section and page, so that span and page stay exact."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Allowed = Callable[[int], bool]


@dataclass(slots=True)
class Widened:
    """Hits as spans of positions `(first, last)`, best first, and those passages that lie within an earlier span."""

    spans: dict[int, tuple[int, int]] = field(default_factory=dict)  # hit -> span
    within: dict[int, int] = field(default_factory=dict)  # passage -> the hit whose span holds it


def widen(ranked: Iterable[int], passages: Any, neighbours: int, k: int, allowed: Allowed) -> Widened:
    """Up to `k` hits, each with up to `neighbours` passages before and after it; no passage stands in two of them."""
    found, taken = Widened(), dict[int, int]()
    for hit in ranked:
        if len(found.spans) == k:
            break
        if hit in taken:
            found.within[hit] = taken[hit]
            continue
        first = last = hit
        while hit - first < neighbours and _joins(passages, first - 1, hit, taken, allowed):
            first -= 1
        while last - hit < neighbours and _joins(passages, last + 1, hit, taken, allowed):
            last += 1
        found.spans[hit] = (first, last)
        taken.update(dict.fromkeys(range(first, last + 1), hit))
    return found


def _joins(passages: Any, other: int, hit: int, taken: dict[int, int], allowed: Allowed) -> bool:
    return (
        0 <= other < len(passages)
        and passages.document_of[other] == passages.document_of[hit]
        and passages.page_of[other] == passages.page_of[hit]
        and passages[other].heading == passages[hit].heading
        and other not in taken
        and allowed(other)
    )
