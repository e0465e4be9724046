"""Numbers the sources that a report's arguments rest on, and finds their addresses."""

from __future__ import annotations

import re

from .schema import Evidence, Reason, Recommendation

SHOWN_REASONS = 6  # arguments for the best option; the rest weigh too little to be read
SHOWN_AGAINST = 4
SHOWN_OUTCOMES = 5
_ARXIV = re.compile(r"arXiv[: ]?(\d{4}\.\d{4,5})|\b(2[0-9]\d{2}\.\d{5})\b")
_ADDRESS = re.compile(r"https?://[^\s,)\]]+")


def arguments_for(recommendation: Recommendation) -> tuple[Reason, ...]:
    return recommendation.best.reasons[:SHOWN_REASONS]


def arguments_against(recommendation: Recommendation) -> tuple[Reason, ...]:
    return recommendation.best.against[:SHOWN_AGAINST]


def outcomes(recommendation: Recommendation) -> tuple[Evidence, ...]:
    """Measured outcomes that speak about the best option, nearest first."""
    return recommendation.best.evidence[:SHOWN_OUTCOMES]


def sources(recommendation: Recommendation) -> tuple[str, ...]:
    """Every source that the report names, in the order of its numbers."""
    shown = (*arguments_for(recommendation), *arguments_against(recommendation))
    named = [reason.source for reason in shown] + [item.cited for item in outcomes(recommendation)]
    return tuple(dict.fromkeys(source for source in named if source))


def address(source: str) -> str | None:
    """Where the source can be read: an address that stands in it, or that of the arXiv paper that it names."""
    if found := _ADDRESS.search(source):
        return found[0].rstrip(".;")
    if paper := _ARXIV.search(source):
        return f"https://arxiv.org/abs/{paper[1] or paper[2]}"
    return None
