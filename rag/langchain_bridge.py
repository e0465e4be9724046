"""LangChain's VectorStore, Retriever and Embeddings over an index of this package; nothing else subclasses LangChain.

store = RagVectorStore(embedding, "build/langchain")      # a folder that lasts; without one, a temporary one
retriever = RagRetriever(index=open_index("build/index"))
"""

from __future__ import annotations

import tempfile
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from rag.conditions import Where
from rag.embed import Embedder, load_embedder
from rag.index import build_index, open_index
from rag.langchain_records import (
    EmbeddingsAdapter,
    asking,
    passage_of,
    to_condition,
    to_document,
    to_langchain,
)
from rag.manifest import read_manifest
from rag.nearest import Near
from rag.schema import Document as Stored
from rag.schema import Hit, RagConfig
from rag.stores import Vectors

try:
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.vectorstores import VectorStore
    from langchain_core.vectorstores.utils import maximal_marginal_relevance
except ModuleNotFoundError as error:
    raise ImportError(
        f"The LangChain bridge needs {error.name}: pip install 'llm-adaptation-advisor[rag,langchain]'"
    ) from error

MAX_TOKENS = 512  # that a LangChain embedding reads, unless it is told otherwise: what BERT's descendants do


class RagVectorStore(VectorStore):
    """Documents by id, each kept whole; those longer than the embedding reads are searched by their parts.

    `similarity_search` ranks as `Index.search` does (vectors and words); with `hybrid=False` by vectors alone. A score
    is greater for the better document. A filter is a mapping of metadata to a value or several, or an expression.
    """

    def __init__(
        self,
        embedding: Embeddings | None = None,
        folder: str | Path | None = None,
        *,
        embedding_id: str | None = None,
        max_tokens: int = MAX_TOKENS,
        hybrid: bool = True,
        config: RagConfig | None = None,
    ) -> None:
        """Open the store in `folder`, or begin one. Without `embedding` the package's own embedder is used.

        `embedding_id` names the weights of `embedding` where its class and model name do not.
        """
        embedder = _embedder(embedding, embedding_id, max_tokens, config)
        # Held, so that a temporary folder lives as long as the store does.
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="rag-langchain-")
        path = Path(folder or (self._temporary.name if self._temporary else ""))
        if read_manifest(path) is None:
            config = config or RagConfig(chunk_tokens=embedder.max_tokens, overlap_tokens=0)
            self.index = build_index([], path, config, embedder=embedder)
        else:
            self.index = open_index(path, embedder=embedder, config=config)
        self._embedding = embedding
        self._hybrid = hybrid
        self._writing = threading.Lock()  # an index has one writer; threads of one store wait for one another

    @property
    def embeddings(self) -> Embeddings:
        return self._embedding or RagEmbeddings(self.index.embedder)

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **_: Any,
    ) -> list[str]:
        """Add or replace by id; texts without one get one. All of them are in, or none. Returns the ids."""
        listed = list(texts)
        for name, given in (("metadatas", metadatas), ("ids", ids)):
            if given and len(given) != len(listed):
                raise ValueError(
                    f"{len(given)} {name} were given for {len(listed)} texts; give one for each."
                )
        keys = [key or str(uuid.uuid4()) for key in ids or [""] * len(listed)]
        described = zip(keys, listed, metadatas or repeat({}), strict=False)
        documents = {key: to_document(key, text, metadata) for key, text, metadata in described}
        if documents:
            with self._writing:
                self.index.add(documents.values())
        return keys

    def delete(self, ids: list[str] | None = None, **_: Any) -> bool:
        """Remove every trace of these documents, or of all without `ids`; an unknown id is passed over."""
        with self._writing:
            if ids is None:
                self.index.update([])
            elif held := [document.source for document in self._held(ids)]:
                self.index.remove(held)
        return True

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """The documents that are there, in the order of `ids`."""
        return [to_langchain(document) for document in self._held(ids)]

    def similarity_search(
        self, query: str, k: int = 4, filter: Where | None = None, **more: Any
    ) -> list[Document]:
        return [document for document, _ in self.similarity_search_with_score(query, k, filter, **more)]

    def similarity_search_with_score(
        self, query: str, k: int = 4, filter: Where | None = None, **_: Any
    ) -> list[tuple[Document, float]]:
        """Up to `k` documents and their scores, best first."""
        where = to_condition(filter)
        found: dict[str, float] = {}
        if self._hybrid:
            with asking():
                found = self._documents(lambda depth: self.index.search(query, depth, where), k)
        if len(found) < k:  # words alone, or a leg that was not trusted, may find fewer
            for key, cosine in self._near(self._question(query), k, where).items():
                found.setdefault(key, min([cosine, *found.values()]))
        return self._whole(dict(list(found.items())[:k]))

    def similarity_search_by_vector(
        self, embedding: list[float], k: int = 4, filter: Where | None = None, **_: Any
    ) -> list[Document]:
        """By cosine."""
        found = self._near(_vector(embedding), k, to_condition(filter))
        return [document for document, _ in self._whole(found)]

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Where | None = None,
        **_: Any,
    ) -> list[Document]:
        """`k` of the `fetch_k` nearest that are unlike one another; `lambda_mult` 1 asks for no difference at all."""
        return self.max_marginal_relevance_search_by_vector(
            self._question(query).tolist(), k, fetch_k, lambda_mult, filter
        )

    def max_marginal_relevance_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Where | None = None,
        **_: Any,
    ) -> list[Document]:
        vector = _vector(embedding)
        best: dict[str, Near] = {}
        for near in self.index.nearest(vector, max(fetch_k, k), to_condition(filter)):
            best.setdefault(near.hit.chunk.source, near)
        vectors: list[Any] = [near.vector for near in best.values()]
        chosen = maximal_marginal_relevance(vector, vectors, lambda_mult, k)
        keys = list(best)
        return self.get_by_ids([keys[number] for number in chosen])

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings | None = None,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **settings: Any,
    ) -> RagVectorStore:
        """A store with these texts; `settings` are those of the constructor, such as `folder`."""
        store = cls(embedding, **settings)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        return lambda score: min(max(score, 0.0), 1.0)

    def _question(self, query: str) -> Vectors:
        with asking():
            found: Vectors = self.index.embedder.embed([query])[0]
        return found

    def _near(self, vector: Vectors, k: int, where: Where | None) -> dict[str, float]:
        return self._documents(
            lambda depth: [near.hit for near in self.index.nearest(vector, depth, where)], k
        )

    def _documents(self, search: Callable[[int], list[Hit]], k: int) -> dict[str, float]:
        """The first `k` ids with the score of their best chunk; asks for more while chunks share documents."""
        depth = k
        while True:
            hits = search(depth)
            found: dict[str, float] = {}
            for hit in hits:
                found.setdefault(hit.chunk.source, hit.score)
            if len(found) >= k or len(hits) < depth:
                return dict(list(found.items())[:k])
            depth *= 2

    def _whole(self, scores: dict[str, float]) -> list[tuple[Document, float]]:
        documents = ((document.source, to_langchain(document)) for document in self._held(scores))
        return [(document, scores[key]) for key, document in documents]

    def _held(self, ids: Iterable[str]) -> Iterator[Stored]:
        for key in ids:
            with suppress(ValueError):  # the index does not hold it
                yield self.index.document(key)


class RagRetriever(BaseRetriever):
    """`Index.search` as a LangChain retriever: passages with source, page, start, end, heading and scores."""

    index: Any  # rag.Index
    k: int | None = None  # passages; None = as the index is set
    filter: Any = None  # a mapping or an expression, as `Index.search` takes it

    def _get_relevant_documents(self, query: str, *, run_manager: Any, **asked: Any) -> list[Document]:
        hits = self.index.search(query, asked.get("k", self.k), asked.get("filter", self.filter))
        return [passage_of(hit) for hit in hits]


class RagEmbeddings(Embeddings):
    """An embedder of this package as LangChain's Embeddings."""

    def __init__(self, embedder: Embedder | None = None) -> None:
        self.embedder = embedder or load_embedder()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        found: list[list[float]] = self.embedder.embed(texts).tolist()
        return found

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def _embedder(
    embedding: Embeddings | None, identity: str | None, max_tokens: int, config: RagConfig | None
) -> Embedder:
    if embedding is None:
        return load_embedder((config or RagConfig()).embedder)
    if isinstance(embedding, RagEmbeddings):
        return embedding.embedder
    return EmbeddingsAdapter(embedding, identity, max_tokens)


def _vector(values: Sequence[float]) -> Vectors:
    return np.asarray(values, dtype=np.float32)
