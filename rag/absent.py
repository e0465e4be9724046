"""Reads an index as if some sources had never been in it: neither found nor counted in the rarity of words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from rag.alignment import Alignment
from rag.catalogue import indexed_text
from rag.index import Index
from rag.reader import AlignedReader, Features
from rag.schema import Hit
from rag.words import index_terms

if TYPE_CHECKING:
    from rag.span_reader import SpanReader

Read = tuple[str, list[tuple[int, Alignment, Features]]]  # as AlignedReader.features gives it


class WithoutSources:
    """One reader of one index; each question may leave out sources of its own."""

    def __init__(self, index: Index, spans: SpanReader | None = None) -> None:
        self._index = index
        self._sources = [document.source for document in index.documents()]
        self._reader = AlignedReader(self._rarity, index.embedder, spans=spans)
        self._terms: dict[str, list[set[str]]] = {}
        self._gone: Counter[str] = Counter()  # how many of the chunks that are left out hold a word
        self._less = 0

    def read(self, question: str, removed: Collection[str], k: int) -> tuple[Read, Sequence[Hit]]:
        """What the reader goes by in the `k` best hits of the other sources, and these hits."""
        gone = [terms for source in removed for terms in self._terms_of(source)]
        self._gone, self._less = Counter(term for terms in gone for term in terms), len(gone)
        left = [source for source in self._sources if source not in removed]
        hits = self._index.search(question, k=k, where={"source": left} if removed else None) if left else []
        return self._reader.features(question, hits), hits

    def _terms_of(self, source: str) -> list[set[str]]:
        if source not in self._terms:
            chunks = self._index.chunks(source)
            self._terms[source] = [set(index_terms(indexed_text(chunk))) for chunk in chunks]
        return self._terms[source]

    def _rarity(self, word: str) -> float:
        """BM25's own weight, with the chunks that are left out taken from both counts."""
        total = len(self._index)
        holding = (total + 1) / math.exp(self._index.rarity(word)) - 0.5
        left, kept = max(round(holding) - self._gone[word], 0), total - self._less
        return math.log(1 + (kept - left + 0.5) / (left + 0.5))
