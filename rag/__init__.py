"""Finds: documents to an index in process, and from a question back to the passages that bear on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rag.schema import Chunk, Citation, Document, Heading, Hit, Page, RagConfig

if TYPE_CHECKING:
    from rag.index import Index, build_index, open_index
    from rag.loaders import load_document, load_folder
    from rag.report import IndexReport
    from rag.switch import switch_embedder

__all__ = [
    "Chunk",
    "Citation",
    "Document",
    "Heading",
    "Hit",
    "Index",
    "IndexReport",
    "Page",
    "RagConfig",
    "build_index",
    "load_document",
    "load_folder",
    "open_index",
    "switch_embedder",
]

# Loaded at first use, so that `import rag` stays light.
_LAZY = {
    "Index": "rag.index",
    "IndexReport": "rag.report",
    "build_index": "rag.index",
    "open_index": "rag.index",
    "load_document": "rag.loaders",
    "load_folder": "rag.loaders",
    "switch_embedder": "rag.switch",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'rag' has no attribute {name!r}")
