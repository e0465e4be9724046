"""The whole pipeline under MTEB's search protocol (`index`, then `search`), so that anyone can score it.

MTEB itself is imported only when it asks for the description of the model; its records are taken by their shape.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.embed import Embedder, load_embedder
from rag.index import Index, build_index
from rag.schema import Document, Hit, RagConfig

Row = Mapping[str, Any]
_CHUNKS_PER_DOCUMENT = 2  # asked for at first, since several chunks of one document count once


class PipelineSearch:
    """Documents split, embedded and searched as `build_index` and `Index.search` do it for a folder.

    `folder` keeps an index per task, split and subset, so that a second run embeds nothing; else they are temporary.
    """

    def __init__(
        self,
        config: RagConfig | None = None,
        *,
        embedder: Embedder | None = None,
        folder: str | Path | None = None,
    ) -> None:
        self._config = config or RagConfig()
        self._embedder = embedder or load_embedder(self._config.embedder)
        # Held, so that the temporary folder lives as long as the adapter does.
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="rag-mteb-")
        self._folder = Path(folder or (self._temporary.name if self._temporary else ""))
        self._index: Index | None = None

    def index(
        self, corpus: Iterable[Row], *, task_metadata: Any, hf_split: str, hf_subset: str, **_: Any
    ) -> None:
        """Make the corpus searchable. ValueError for rows without text, such as pictures."""
        name = "-".join([str(getattr(task_metadata, "name", task_metadata)), hf_split, hf_subset])
        path = self._folder / "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in name)
        documents = [document_of(row) for row in corpus]
        self._index = build_index(documents, path, self._config, embedder=self._embedder)

    def search(
        self,
        queries: Iterable[Row],
        *,
        top_k: int,
        top_ranked: Mapping[str, Sequence[str]] | None = None,
        **_: Any,
    ) -> dict[str, dict[str, float]]:
        """Scores of up to `top_k` documents for each query; with `top_ranked`, of those documents only."""
        if self._index is None:
            raise ValueError("Nothing is indexed yet; call index(corpus, ...) before search(queries, ...).")
        found = {}
        for row in queries:
            key = str(row["id"])
            among = None if top_ranked is None else list(top_ranked.get(key, ()))
            found[key] = search_documents(self._index, question_of(row), top_k, among)
        return found

    @property
    def mteb_model_meta(self) -> Any:
        """MTEB's own record of a model, naming the embedder and the sizes of chunks."""
        meta = importlib.import_module("mteb.models.model_meta").ModelMeta
        name = "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in self._embedder.name)
        chunks = f"chunks{self._config.chunk_tokens}-{self._config.overlap_tokens}"
        return meta.create_empty(
            overwrites={
                "name": f"llm-adaptation-advisor/rag-{name}-{chunks}",
                "revision": self._embedder.weight_hash[:12],
                "embed_dim": self._embedder.dimension,
                "max_tokens": float(self._embedder.max_tokens),
            }
        )


def document_of(row: Row) -> Document:
    """A row with "id" (or BEIR's "_id"), "text" and perhaps "title" as a document whose source is that id."""
    key = str(row["id"] if "id" in row else row["_id"])
    text, title = row.get("text"), row.get("title") or ""
    if not isinstance(text, str):
        raise ValueError(f"Row {key!r} of the corpus has no text; only tasks of texts can be searched.")
    # A row without a word is kept by its id: it cannot be found, and must not stop the others.
    return Document(
        source=key, text=f"{title}\n\n{text}".strip() or key, metadata={"title": title} if title else {}
    )


def question_of(row: Row) -> str:
    """The query's text; a conversation is its turns, an instruction follows the question."""
    text = row["text"]
    if not isinstance(text, str):
        text = "\n".join(turn if isinstance(turn, str) else str(turn["content"]) for turn in text)
    return f"{text} {row['instruction']}" if row.get("instruction") else str(text)


def search_documents(
    index: Index, question: str, k: int, among: Sequence[str] | None = None
) -> dict[str, float]:
    """Up to `k` sources with the score of their best chunk, best first; `among` restricts them before the search."""
    if k < 1 or (among is not None and not among):
        return {}
    where = None if among is None else {"source": list(among)}
    asked = k
    while True:
        hits = index.search(question, k=asked, where=where)
        found = _best_by_source(hits)
        if len(found) >= k or len(hits) < asked:
            return dict(list(found.items())[:k])
        asked *= _CHUNKS_PER_DOCUMENT


def _best_by_source(hits: Sequence[Hit]) -> dict[str, float]:
    """Hits come best first, so the first of a source is its best. Scores fall strictly, as the ranks do."""
    found: dict[str, float] = {}
    for hit in hits:
        if hit.chunk.source not in found:
            # A reranked list need not fall with its fused scores, yet whoever evaluates sorts by score.
            last = next(reversed(found.values()), None)
            score = hit.score if last is None else min(hit.score, last - 1e-6)
            found[hit.chunk.source] = float(score)
    return found
