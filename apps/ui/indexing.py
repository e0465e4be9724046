"""Brings files and folders into an index and says what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from apps.ui.engines import embedder_named, index_at
from apps.ui.uploads import safe_name, save_upload

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


def add_uploads(
    index: str, folder: Path, uploads: Sequence[tuple[str, bytes]], progress: Progress | None = None
) -> IndexReport:
    """Keeps uploaded files, (name, content), in `folder` and adds them; those that could not be read are not kept."""
    names = [safe_name(name) for name, _ in uploads]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"Two of the files are named {twice!r}; rename one of them.")
    saved = [save_upload(folder, name, data)[0] for name, data in uploads]
    try:
        return add_files(index, saved, progress)
    finally:
        held = {document.source for document in index_at(index).documents()} if exists(index) else set()
        for path in saved:
            if path.name not in held:
                path.unlink(missing_ok=True)


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
