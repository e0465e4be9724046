"""LangChain in the comparison: its loaders, splitter, FAISS, BM25Retriever and EnsembleRetriever."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_classic.retrievers import EnsembleRetriever
from langchain_community.document_loaders import BSHTMLLoader, DirectoryLoader, PyPDFLoader, TextLoader
from langchain_community.retrievers import BM25Retriever
from langchain_community.vectorstores import FAISS
from langchain_core.documents import Document
from langchain_core.indexing import InMemoryRecordManager, index
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

_LOADERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "**/*.txt": (TextLoader, {"encoding": "utf-8"}),
    "**/*.md": (TextLoader, {"encoding": "utf-8"}),
    "**/*.html": (BSHTMLLoader, {}),
    "**/*.pdf": (PyPDFLoader, {}),
}


@dataclass
class State:
    folder: Path
    target: Path
    settings: dict[str, Any]
    embeddings: HuggingFaceEmbeddings
    vectors: FAISS
    words: BM25Retriever
    records: InMemoryRecordManager | None = None


def build(folder: Path, target: Path, model: Path, settings: dict[str, Any]) -> State:
    """`settings`: chunk_tokens (None = the splitter's defaults), hybrid, indexing (its indexing API)."""
    embeddings = HuggingFaceEmbeddings(model_name=str(model))
    chunks = _chunks(folder, model, settings)
    records = None
    if settings.get("indexing"):
        records = InMemoryRecordManager("bench")
        records.create_schema()
        vectors = FAISS.from_documents(chunks[:1], embeddings)
        vectors.delete(list(vectors.index_to_docstore_id.values()))
        _index(chunks, records, vectors)
    else:
        vectors = FAISS.from_documents(chunks, embeddings)
    vectors.save_local(str(target))
    return State(folder, target, settings | {"model": model}, embeddings, vectors, _words(chunks), records)


def ranked_files(state: State, question: str, depth: int) -> list[str]:
    dense = state.vectors.as_retriever(search_kwargs={"k": depth})
    retriever: Any = dense
    if state.settings["hybrid"]:
        state.words.k = depth
        retriever = EnsembleRetriever(retrievers=[state.words, dense], weights=[0.5, 0.5])
    found = retriever.invoke(question)
    return [Path(one.metadata["source"]).relative_to(state.folder).as_posix() for one in found]


def update(state: State, folder: Path) -> None:
    """The indexing API where it was asked for; else what its users do, all anew but for loading the model."""
    chunks = _chunks(folder, state.settings["model"], state.settings)
    if state.records is None:
        state.vectors = FAISS.from_documents(chunks, state.embeddings)
    else:
        _index(chunks, state.records, state.vectors)
    state.vectors.save_local(str(state.target))
    state.words = _words(chunks)  # it knows no change, only anew


def _index(chunks: list[Document], records: InMemoryRecordManager, vectors: FAISS) -> None:
    index(chunks, records, vectors, cleanup="full", source_id_key="source", key_encoder="sha256")


def _words(chunks: list[Document]) -> BM25Retriever:
    return BM25Retriever.from_documents(chunks)


def _chunks(folder: Path, model: Path, settings: dict[str, Any]) -> list[Document]:
    documents = [
        document
        for pattern, (loader, options) in _LOADERS.items()
        for document in DirectoryLoader(
            str(folder), glob=pattern, loader_cls=loader, loader_kwargs=options
        ).load()
    ]
    tokens = settings.get("chunk_tokens")
    if tokens is None:
        return RecursiveCharacterTextSplitter().split_documents(documents)
    from transformers import AutoTokenizer

    splitter = RecursiveCharacterTextSplitter.from_huggingface_tokenizer(
        AutoTokenizer.from_pretrained(str(model)), chunk_size=tokens, chunk_overlap=30
    )
    return splitter.split_documents(documents)
