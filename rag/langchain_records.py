"""LangChain's documents, filters and embeddings as those of this package, and back."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rag.conditions import Among, Compare, Condition, Not, Where, condition_of
from rag.schema import Chunk, Document, Hit
from rag.stores import Vectors

if TYPE_CHECKING:
    from langchain_core.documents import Document as LangChainDocument

# Metadata as it was given, in JSON; what filters compare stands beside it as text.
ORIGINAL = "langchain"
# What a filter of this package means by these is the index's own; a LangChain document's go by another name.
_TAKEN = {name: f"langchain {name}" for name in ("source", "page", ORIGINAL)}
_PIECE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|\w+|[^\w\s]")
_ASKING: ContextVar[bool] = ContextVar("asking", default=False)


class Embeddings(Protocol):
    """The part of LangChain's Embeddings that is used."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]: ...

    def embed_query(self, text: str) -> list[float]: ...


class EmbeddingsAdapter:
    """A LangChain embedding as an embedder of this package.

    `identity` names its weights, which LangChain does not tell; indexes of different ones are kept apart by it.
    """

    def __init__(self, embeddings: Embeddings, identity: str | None, max_tokens: int) -> None:
        self.embeddings = embeddings
        self.name = identity or _identity(embeddings)
        self.max_tokens = max_tokens
        self.dimension = len(embeddings.embed_query("dimension"))
        self.weight_hash = hashlib.sha256(f"langchain/{self.name}/{self.dimension}".encode()).hexdigest()

    def embed(self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None) -> Vectors:
        """Unit vectors; within `asking`, those of questions, which some models embed otherwise than documents."""
        if _ASKING.get():
            found = [self.embeddings.embed_query(text) for text in texts]
        else:
            found = self.embeddings.embed_documents(list(texts)) if texts else []
        vectors = np.asarray(found, dtype=np.float32).reshape(len(texts), self.dimension)
        if progress is not None:
            progress(len(texts), len(texts))
        unit: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return unit

    def count_tokens(self, text: str) -> int:
        """An estimate, for want of a tokenizer: one for a sign, an East Asian letter, or five letters of a word."""
        return sum(-(-len(piece) // 5) for piece in _PIECE.findall(text))

    def unknown_share(self, text: str) -> float:
        return 0.0  # no vocabulary to ask


@contextmanager
def asking() -> Iterator[None]:
    """What is embedded in this block is a question."""
    token = _ASKING.set(True)
    try:
        yield
    finally:
        _ASKING.reset(token)


def _identity(embeddings: Embeddings) -> str:
    kind = type(embeddings)
    names = (getattr(embeddings, name, None) for name in ("model_name", "model", "model_id", "deployment"))
    model = next((name for name in names if isinstance(name, str)), "")
    return f"{kind.__module__}.{kind.__qualname__}:{model}"


def to_document(key: str, text: str, metadata: Mapping[str, Any]) -> Document:
    """A document whose source is the id. ValueError for metadata that JSON cannot carry."""
    try:
        original = json.dumps(dict(metadata), ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Metadata of document {key!r} cannot be stored as JSON ({error}); make its values text, numbers, lists."
        ) from error
    flat = {
        _TAKEN.get(name, name): str(value)
        for name, value in metadata.items()
        if isinstance(value, str | int | float)
    }
    return Document(text=text, source=key, metadata={**flat, ORIGINAL: original})


def original_metadata(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Metadata as it was given to a LangChain store; of other documents, what they have."""
    return dict(json.loads(metadata[ORIGINAL])) if ORIGINAL in metadata else dict(metadata)


def to_langchain(document: Document) -> LangChainDocument:
    """A whole document as it was added."""
    from langchain_core.documents import Document as LangChainDocument

    return LangChainDocument(
        id=document.source, page_content=document.text, metadata=original_metadata(document.metadata)
    )


def passage_of(hit: Hit) -> LangChainDocument:
    """A found chunk, with its place and scores in the metadata."""
    from langchain_core.documents import Document as LangChainDocument

    chunk = hit.chunk
    places = {name: getattr(chunk, name) for name in ("source", "page", "start", "end", "heading")}
    scores = {name: getattr(hit, name) for name in ("score", "rank", "dense_score", "keyword_score")}
    return LangChainDocument(
        id=_passage_id(chunk),
        page_content=chunk.text,
        metadata={**original_metadata(chunk.metadata), **places, **scores},
    )


def _passage_id(chunk: Chunk) -> str:
    return f"{chunk.source}:{chunk.start}-{chunk.end}"


def to_condition(where: Where | None) -> Condition | None:
    """A filter over LangChain metadata, as a mapping or an expression, in the names that the index keeps it under."""
    if isinstance(where, Mapping):
        where = {_TAKEN.get(str(name), str(name)): value for name, value in where.items()}
    found = condition_of(where)
    return None if found is None else _renamed(found)


def _renamed(condition: Condition) -> Condition:
    if isinstance(condition, Compare | Among):
        return replace(condition, field=_TAKEN.get(condition.field, condition.field))
    if isinstance(condition, Not):
        return Not(_renamed(condition.part))
    return replace(condition, parts=tuple(_renamed(part) for part in condition.parts))
