"""The records that travel through retrieval: documents, chunks, hits, citations and the settings of an index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a document: its printed position from 1 and its character span in `Document.text`."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The path of headings ("Report > Revenue") that holds from `start` to the next heading."""

    path: str
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A source as text. Every span (page, heading, chunk, citation) counts characters of `text`."""

    text: str
    source: str  # path relative to the indexed folder, with forward slashes
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)  # "date": "2025-03-31", "title": ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a document: `text == document.text[start:end]` always."""

    source: str
    text: str
    start: int
    end: int
    page: int | None = None
    heading: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A found chunk with the score that it is ranked by and what each leg says of it (None = the leg was not used).

    A leg's rank is None when the chunk was not among those that it returned; its score is exact all the same.
    """

    chunk: Chunk
    score: float  # fused, or the reranker's, 0..1
    rank: int  # from 1
    dense_score: float | None = None  # cosine
    dense_rank: int | None = None
    keyword_score: float | None = None  # BM25
    keyword_rank: int | None = None
    found: tuple[int, int] | None = None  # the span that was found, where neighbours were joined to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A claim and the exact place that supports it: `document.text[start:end] == quote`."""

    number: int  # the [n] in the answer
    claim: str
    quote: str
    source: str
    start: int
    end: int
    page: int | None = None
    heading: str = ""
    support: float = 0.0  # 0..1


@dataclass(frozen=True, slots=True, kw_only=True)
class RagConfig:
    """Settings of an index; those above the blank line are fixed at build time, the others at search time."""

    # "minilm" (its wheel), "minilm+FOLDER" (with an adapter), a local folder, or a hub name; "" = the one that an index
    # has, of a new one "minilm".
    embedder: str = ""
    store: str = "faiss"
    store_uri: str | None = (
        None  # of a store that lives elsewhere, "http://host:19530"; None = in the index's folder
    )
    chunk_tokens: int = 180  # of the embedder
    overlap_tokens: int = 30

    k: int = 6  # hits returned
    candidates: int = 40  # asked of each leg before fusion; as many are read again by a reranker
    rerank: str = ""  # a cross-encoder: local folder or hub name; "" = none
    diversity: float = 0.0  # 0 to 1, how much hits must be unlike one another (MMR); 0 = not at all
    neighbours: int = 0  # chunks before and after a hit that are joined to it, within its section and page
    recency: bool = True  # of two versions of a document the newer passage on a matter comes first
    store_token: str | None = field(default=None, repr=False)  # for `store_uri`; kept in no file
