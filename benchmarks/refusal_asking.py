"""Asks each question with its documents and without them, and keeps what the reader goes by: features of sentences."""

from __future__ import annotations

import math
import pickle  # of this script's own cache only
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from refusal_sets import SETS

from apps.trial import load_questions
from rag import Document, Index, build_index
from rag.embed import Embedder, load_embedder
from rag.reader import AlignedReader
from rag.words import index_terms

FEATURES = ("met", "worst", "held", "length", "near")
K = 6
EXAMPLES = Path(__file__).parents[1] / "examples"


@dataclass
class Case:
    """One question under one condition; `sentences` has shape (sentences of the hits, features)."""

    name: str
    language: str
    split: str
    condition: str  # "present", "paragraph removed", "document removed", "impossible", "unanswerable"
    judge: str  # "aligned" or "lexical"
    found: bool  # whether the gold source is among the hits
    sentences: NDArray[np.float64]


def cases_of(name: str, count: int, folder: Path) -> list[Case]:
    """Of a shared set; kept in `folder` for the next run."""
    cache = folder / f"{name}-{count}.cases"
    if cache.is_file():
        return pickle.loads(cache.read_bytes())
    chosen = SETS[name](count)
    documents = [Document(text=text, source=source) for source, text in chosen.documents.items()]
    embedder = None if chosen.language == "en" else _Unread(load_embedder())
    index = build_index(documents, folder / f"{name}-{count}.index", embedder=embedder)
    reader = _Reader(index)
    cases = []
    for asked in chosen.questions:
        siblings = {s for s, article in chosen.article.items() if article == chosen.article[asked.source]}
        conditions: dict[str, set[str]] = {"present": set(), "document removed": siblings}
        if len(siblings) > 1:
            conditions["paragraph removed"] = {asked.source}
        for condition, removed in ({"impossible": set()} if asked.impossible else conditions).items():
            judge, sentences, sources = reader.ask(asked.text, removed)
            found = asked.source in sources
            cases.append(Case(name, chosen.language, asked.split, condition, judge, found, sentences))
    cache.write_bytes(pickle.dumps(cases))
    return cases


def example_cases(name: str, folder: Path) -> list[Case]:
    """Of an example that the repository ships; never fitted on."""
    reader = _Reader(build_index(EXAMPLES / name / "docs", folder / f"{name}.index"))
    cases = []
    for asked in load_questions(EXAMPLES / name / "qa.jsonl"):
        judge, sentences, sources = reader.ask(asked.text, set())
        condition = "present" if asked.answerable else "unanswerable"
        found = bool(set(asked.sources) & set(sources))
        cases.append(Case(f"{name} example", asked.language, "dev", condition, judge, found, sentences))
    return cases


class _Unread:
    """Spares the vectors of texts that MiniLM cannot read: searches and readers leave them out anyway."""

    name, weight_hash, dimension = "unread", "unread", 8

    def __init__(self, embedder: Embedder) -> None:
        self.max_tokens = embedder.max_tokens
        self.count_tokens = embedder.count_tokens

    def embed(self, texts: Sequence[str], progress: object = None) -> NDArray[np.float32]:
        return np.full((len(texts), self.dimension), self.dimension**-0.5, dtype=np.float32)

    def unknown_share(self, text: str) -> float:
        return 1.0


class _Reader:
    """Reads an index as if some sources had never been in it: neither found nor counted in the rarity of words."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._sources = [listed.source for listed in index.documents()]
        self._reader = AlignedReader(self._rarity, index.embedder)
        self._terms: dict[str, list[set[str]]] = {}
        for hit in index._view.chunks:  # what was removed must be counted, and no search gives it whole
            self._terms.setdefault(hit.source, []).append(set(index_terms(f"{hit.heading}\n{hit.text}")))
        self._gone: Counter[str] = Counter()
        self._less = 0

    def ask(self, question: str, removed: Iterable[str]) -> tuple[str, NDArray[np.float64], Sequence[str]]:
        removed = set(removed)
        gone = [terms for source in removed for terms in self._terms.get(source, ())]
        self._gone, self._less = Counter(term for terms in gone for term in terms), len(gone)
        where = {"source": [s for s in self._sources if s not in removed]} if removed else None
        hits = self._index.search(question, k=K, where=where)
        judge, found = self._reader.features(question, hits)
        tables = [np.stack([features[key] for key in FEATURES], axis=1) for _, _, features in found]
        sentences = np.concatenate(tables) if tables else np.zeros((0, len(FEATURES)))
        return judge, sentences, [hit.chunk.source for hit in hits]

    def _rarity(self, word: str) -> float:
        """BM25's own weight, with the chunks of the removed sources taken out of both counts."""
        total = len(self._index)
        holding = (total + 1) / math.exp(self._index.rarity(word)) - 0.5
        left, kept = max(round(holding) - self._gone[word], 0), total - self._less
        return math.log(1 + (kept - left + 0.5) / (left + 0.5))
