"""Hybrid search over many chunks in a process of its own: this program, LangChain's EnsembleRetriever, bm25s alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from measured import Row, arguments, folder_mib, percentile, report, resident_mib, times_ms
from synthetic import CHUNK_TOKENS, SyntheticEmbedder, chunk_texts, documents, questions

_K = 10


def build_own(path: Path, chunks: int) -> Row:
    from rag import RagConfig, build_index

    given = list(documents(chunks))
    config = RagConfig(chunk_tokens=CHUNK_TOKENS, overlap_tokens=0)
    start = time.perf_counter()
    index = build_index(given, path, config, embedder=SyntheticEmbedder())
    return {"build_s": time.perf_counter() - start, "chunks": len(index), "disk_mib": folder_mib(path)}


def search_own(path: Path, count: int) -> Row:
    from rag import open_index

    start = time.perf_counter()
    index = open_index(path, embedder=SyntheticEmbedder())
    opened = time.perf_counter() - start
    return {"open_s": opened} | _timed(lambda question: index.search(question, k=_K), count)


def search_langchain(chunks: int, count: int) -> Row:
    """FAISS beside BM25Retriever (rank_bm25), joined with equal weights, as the guides have it."""
    from langchain_classic.retrievers import EnsembleRetriever
    from langchain_community.retrievers import BM25Retriever
    from langchain_community.vectorstores import FAISS
    from langchain_core.embeddings import Embeddings

    class Synthetic(Embeddings):
        embedder = SyntheticEmbedder()

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return self.embedder.embed(texts).tolist()

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    texts = chunk_texts(chunks)
    start = time.perf_counter()
    dense = FAISS.from_texts(texts, Synthetic()).as_retriever(search_kwargs={"k": _K})
    words = BM25Retriever.from_texts(texts, k=_K)
    built = time.perf_counter() - start
    both = EnsembleRetriever(retrievers=[words, dense], weights=[0.5, 0.5])
    row = {"build_s": built, "chunks": len(texts)} | _timed(both.invoke, count)
    return row | {f"words_{name}": value for name, value in _timed(words.invoke, count).items()}


def search_bm25s(chunks: int, count: int) -> Row:
    """Words alone."""
    import bm25s

    texts = chunk_texts(chunks)
    start = time.perf_counter()
    index = bm25s.BM25()
    index.index(bm25s.tokenize(texts, show_progress=False), show_progress=False)
    built = time.perf_counter() - start

    def search(question: str) -> Any:
        return index.retrieve(bm25s.tokenize(question, show_progress=False), k=_K, show_progress=False)

    return {"build_s": built, "chunks": len(texts)} | _timed(search, count)


def _timed(search: Any, count: int) -> Row:
    found = times_ms(search, questions(count))
    return {
        "p50_ms": percentile(found, 0.5), "p95_ms": percentile(found, 0.95), "mean_ms": float(np.mean(found)),
        "mib": resident_mib(), "questions": count,
    }  # fmt: skip


def main() -> None:
    given = arguments()
    work, chunks, count = given["work"], given["chunks"], given["count"]
    if work == "build_own":
        report(build_own(Path(given["path"]), chunks))
    elif work == "search_own":
        report(search_own(Path(given["path"]), count))
    elif work == "langchain":
        report(search_langchain(chunks, count))
    else:
        report(search_bm25s(chunks, count))


if __name__ == "__main__":
    main()
