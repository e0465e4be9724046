"""Follows documents: when files appear, change or vanish and are at rest again, the index is brought up to date."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rag.index import Documents, Index
from rag.loaders import NOTICE_NAME, list_files
from rag.report import IndexReport
from rag.update import Progress

Stamps = dict[str, tuple[int, int]]


def watch(
    index: Index,
    documents: Documents,
    *,
    seconds: float = 2.0,
    progress: Progress | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[IndexReport | Exception]:
    """Look every `seconds` and update once a change has been at rest for one look; yields what each update gave.

    An update that fails is yielded as its error and tried again after the next change. Ends when it is no longer
    asked for more.
    """
    updated = stamps_of(documents, index.path)
    seen = updated
    while True:
        sleep(seconds)
        now = stamps_of(documents, index.path)
        at_rest, seen = now == seen, now
        if now == updated or not at_rest:
            continue
        updated = now
        try:
            yield index.update(documents, progress)
        except (ValueError, OSError, ImportError) as error:
            yield error


def stamps_of(documents: Documents, index: Path) -> Stamps:
    """(mtime_ns, size) of every file below the documents, without the index's own; a missing one has none."""
    found: Stamps = {}
    given = [documents] if isinstance(documents, str | Path) else list(documents)
    for item in given:
        if isinstance(item, str | Path):
            for path in _files(Path(item), index.resolve()):
                try:
                    status = path.stat()
                except OSError:  # it vanished meanwhile
                    continue
                found[str(path)] = status.st_mtime_ns, status.st_size
    return found


def _files(path: Path, index: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    try:
        files = [file for file, _ in list_files(path) if index not in file.resolve().parents]
    except OSError:  # a folder that vanished meanwhile
        return []
    return [*files, path / NOTICE_NAME]
