"""Brings files and folders into an index and says what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from apps.ui.engines import embedder_named, index_at
from apps.ui.uploads import safe_name, save_upload

if TYPE_CHECKING:
    from rag.update import IndexReport

Progress = Callable[[str, int, int], None]


def add_documents(index: str, documents: Path | list[Path], progress: Progress | None = None) -> IndexReport:
    """Adds or replaces a folder or files and keeps what else the index holds; makes the index where there is none."""
    from rag import build_index

    if exists(index):
        return index_at(index).add(documents, progress=progress)
    return build_index(documents, index, embedder=embedder_named("minilm"), progress=progress).report


def add_uploads(
    index: str, folder: Path, uploads: Sequence[tuple[str, bytes]], progress: Progress | None = None
) -> IndexReport:
    """Keeps uploaded files, (name, content), in `folder` and adds them; those that could not be read are not kept."""
    names = [safe_name(name) for name, _ in uploads]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"Two of the files are named {twice!r}; rename one of them.")
    saved = [save_upload(folder, name, data)[0] for name, data in uploads]
    try:
        return add_documents(index, saved, progress)
    finally:
        held = {document.source for document in index_at(index).documents()} if exists(index) else set()
        for path in saved:
            if path.name not in held:
                path.unlink(missing_ok=True)


def exists(index: str) -> bool:
    return (Path(index) / "manifest.json").is_file()
