"""A document as an index lists it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedDocument:
    """A line of `Index.documents()`."""

    source: str
    chunks: int
    characters: int
    metadata: Mapping[str, str]

    @property
    def date(self) -> str:
        return self.metadata.get("date", "")

    @property
    def title(self) -> str:
        return self.metadata.get("title", "")
