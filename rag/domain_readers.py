"""The trained readers that come with the program, one for each domain; loaded when a question is first read."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.span_reader import SpanReader

NONE = "none"  # sentences alone, as where no reader is installed
SHIPPED = {"general": "reader", "finance": "reader-finance", "medical": "reader-medical"}
_OF_SECTIONS = {"general": "reader-medical"}  # who has learned longer answers than the domain's own reader


def domain_reader(domain: str) -> SpanReader | None:
    """None where none is wanted or this installation has none at all. ValueError for a domain that it has none for."""
    if domain == NONE:
        return None
    if domain not in SHIPPED:
        raise ValueError(f"Unknown domain {domain!r}; choose one of {[*SHIPPED, NONE]}.")
    found = _opened(SHIPPED[domain])
    if found is None and domain != "general":
        there = [name for name, folder in SHIPPED.items() if _opened(folder) is not None]
        raise ValueError(f"No reader for the domain {domain!r} is installed; choose one of {there}.")
    return found


def section_reader(domain: str) -> SpanReader | None:
    """Beside the domain's reader, one for answers that are whole sections; None where it needs none or has none."""
    return _opened(_OF_SECTIONS[domain]) if domain in _OF_SECTIONS else None


@functools.cache
def _opened(name: str) -> SpanReader | None:
    """Once for all indexes: what is loaded is shared."""
    from rag.span_reader import open_span_reader  # numpy
    from rag.tuned import shipped

    folder = shipped(name)
    return None if folder is None else open_span_reader(folder)
