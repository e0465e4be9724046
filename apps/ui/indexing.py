"""Brings files and folders into an index and says what became of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from apps.ui.engines import embedder_named, index_at

if TYPE_CHECKING:
    from rag import Document
    from rag.update import IndexReport

Progress = Callable[[str, int, int], None]


def add_files(index: str, files: list[Path], progress: Progress | None = None) -> IndexReport:
    """Adds or replaces files in an index and keeps its other documents; makes the index where there is none."""
    from rag import build_index

    if exists(index):
        return index_at(index).add(files, progress=progress)
    return build_index(files, index, embedder=embedder_named("minilm"), progress=progress).report


def add_folder(index: str, folder: Path, progress: Progress | None = None) -> IndexReport:
    """Adds a folder. A new index takes its notice too; an index that is there keeps its other documents and notice."""
    from rag import build_index

    if not exists(index):
        return build_index(folder, index, embedder=embedder_named("minilm"), progress=progress).report
    documents, failed, skipped = _read(folder, progress)
    if not documents:
        raise ValueError(failed[0] if failed else f"{folder} holds no documents of a format that is read.")
    report = index_at(index).add(documents, progress=progress)
    return replace(report, failed=(*report.failed, *failed), skipped=(*report.skipped, *skipped))


def exists(index: str) -> bool:
    return (Path(index) / "manifest.json").is_file()


def _read(folder: Path, progress: Progress | None) -> tuple[list[Document], list[str], list[str]]:
    from rag.loaders import LOADERS, list_files, load_document

    documents: list[Document] = []
    failed: list[str] = []
    skipped: list[str] = []
    files = list_files(folder)
    for number, (path, source) in enumerate(files, 1):
        if path.suffix.lower() not in LOADERS:
            skipped.append(f"{source}: format {path.suffix or 'without a suffix'} is not read")
            continue
        try:
            documents.append(load_document(path, source))
        except (ValueError, OSError) as error:
            failed.append(str(error))
        if progress is not None:
            progress("read", number, len(files))
    return documents, failed, skipped
