"""Asks each question with its documents and without them, and keeps what the reader goes by: features of sentences."""

from __future__ import annotations

import pickle  # of this script's own cache only
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from refusal_sets import SETS, SPLITS

from apps.trial import load_questions
from rag import Document, build_index
from rag.absent import WithoutSources
from rag.embed import Embedder, load_embedder
from rag.span_reader import SpanReader

FEATURES = ("met", "worst", "held", "length", "near", "read")
K = 6
EXAMPLES = Path(__file__).parents[1] / "examples"


@dataclass
class Case:
    """One question under one condition; `sentences` has shape (sentences of the hits, features)."""

    name: str
    language: str
    split: str
    condition: str  # "present", "paragraph removed", "document removed", "impossible", "unanswerable"
    judge: str  # "read", "aligned" or "lexical"
    found: bool  # whether the gold source is among the hits
    sentences: NDArray[np.float64]


def cases_of(name: str, count: int, folder: Path, spans: SpanReader | None) -> list[Case]:
    """Of a shared set; kept in `folder` for the next run, apart for each span reader."""
    cache = folder / f"{name}-{count}-{spans.name if spans else 'without'}.cases"
    if cache.is_file():
        return pickle.loads(cache.read_bytes())
    chosen = SETS[name](count)
    documents = [Document(text=text, source=source) for source, text in chosen.documents.items()]
    embedder = None if chosen.language == "en" else _Unread(load_embedder())
    index = build_index(documents, folder / f"{name}-{count}.index", embedder=embedder)
    # Of what a span reader learned from it would be too sure.
    readers = {split: WithoutSources(index, None if split == "train" else spans) for split in SPLITS}
    cases = []
    for asked in chosen.questions:
        siblings = {s for s, article in chosen.article.items() if article == chosen.article[asked.source]}
        conditions: dict[str, set[str]] = {"present": set(), "document removed": siblings}
        if len(siblings) > 1:
            conditions["paragraph removed"] = {asked.source}
        for condition, removed in ({"impossible": set()} if asked.impossible else conditions).items():
            judge, sentences, sources = _asked(readers[asked.split], asked.text, removed)
            found = asked.source in sources
            cases.append(Case(name, chosen.language, asked.split, condition, judge, found, sentences))
    cache.write_bytes(pickle.dumps(cases))
    return cases


def example_cases(name: str, folder: Path, spans: SpanReader | None) -> list[Case]:
    """Of an example that the repository ships; never fitted on."""
    reader = WithoutSources(build_index(EXAMPLES / name / "docs", folder / f"{name}.index"), spans)
    cases = []
    for asked in load_questions(EXAMPLES / name / "qa.jsonl"):
        judge, sentences, sources = _asked(reader, asked.text, set())
        condition = "present" if asked.answerable else "unanswerable"
        found = bool(set(asked.sources) & set(sources))
        cases.append(Case(f"{name} example", asked.language, "shown", condition, judge, found, sentences))
    return cases


def _asked(
    reader: WithoutSources, question: str, removed: set[str]
) -> tuple[str, NDArray[np.float64], list[str]]:
    """The judge, the features of all sentences of the hits, and the sources of the hits."""
    (judge, read), hits = reader.read(question, removed, K)
    if any("read" in features for _, _, features in read):
        judge = "read"  # also before one is fitted
    tables = [
        np.stack([features.get(key, np.zeros_like(features["met"])) for key in FEATURES], axis=1)
        for _, _, features in read
    ]
    sentences = np.concatenate(tables) if tables else np.zeros((0, len(FEATURES)))
    return judge, sentences, [hit.chunk.source for hit in hits]


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
