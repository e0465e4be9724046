"""LlamaIndex in the comparison: SimpleDirectoryReader, SentenceSplitter, HuggingFaceEmbedding, VectorStoreIndex."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_index.core import Settings, SimpleDirectoryReader, VectorStoreIndex
from llama_index.core.node_parser import SentenceSplitter
from llama_index.embeddings.huggingface import HuggingFaceEmbedding


@dataclass
class State:
    folder: Path
    target: Path
    index: VectorStoreIndex


def build(folder: Path, target: Path, model: Path, settings: dict[str, Any]) -> State:
    """`settings`: chunk_tokens (None = the splitter's defaults)."""
    Settings.embed_model = HuggingFaceEmbedding(model_name=str(model))
    tokens = settings.get("chunk_tokens")
    if tokens is None:
        splitter = SentenceSplitter()
    else:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(str(model))
        splitter = SentenceSplitter(chunk_size=tokens, chunk_overlap=30, tokenizer=tokenizer.tokenize)
    Settings.node_parser = splitter
    index = VectorStoreIndex.from_documents(_documents(folder), transformations=[splitter])
    index.storage_context.persist(persist_dir=str(target))
    return State(folder, target, index)


def ranked_files(state: State, question: str, depth: int) -> list[str]:
    found = state.index.as_retriever(similarity_top_k=depth).retrieve(question)
    return [Path(one.node.metadata["file_path"]).relative_to(state.folder).as_posix() for one in found]


def update(state: State, folder: Path) -> None:
    """Its own way: documents whose hash changed are taken out and put in again."""
    state.index.refresh_ref_docs(_documents(folder))
    state.index.storage_context.persist(persist_dir=str(state.target))


def _documents(folder: Path) -> list[Any]:
    return SimpleDirectoryReader(str(folder), recursive=True, filename_as_id=True).load_data()
