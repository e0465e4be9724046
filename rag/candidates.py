"""What there is to index: files of a folder, files by name, or documents given as they are."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.loaders import LOADERS, list_files, load_document
from rag.schema import Document

_FRESH_NS = 2_000_000_000  # a file written this recently may change again within one tick of its clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A document that should be in the index: a file, or one given as it is."""

    source: str
    path: Path | None = None
    document: Document | None = None

    def stamp(self) -> tuple[int, int]:
        """(mtime_ns, size) of its file; a time of 0 means that it cannot be trusted, zeros that there is no file."""
        if self.path is None:
            return 0, 0
        status = self.path.stat()
        settled = time.time_ns() - status.st_mtime_ns > _FRESH_NS
        return (status.st_mtime_ns if settled else 0), status.st_size

    def sha256(self) -> str:
        """Of the bytes of its file, or of everything that a given document says."""
        if self.path is not None:
            return hashlib.sha256(self.path.read_bytes()).hexdigest()
        document = self._given()
        places = (
            [[page.number, page.start] for page in document.pages],
            [[heading.path, heading.start] for heading in document.headings],
        )
        whole = json.dumps([document.text, dict(document.metadata), *places], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()

    def read(self) -> Document:
        """The document; raises what `load_document` raises."""
        return self._given() if self.path is None else load_document(self.path, self.source)

    @contextmanager
    def on_disk(self) -> Iterator[dict[str, Any]]:
        """What a worker process is asked to read, while it lies on the disk."""
        if self.path is None:
            raise ValueError(f"{self.source} is given as it is; there is nothing to read.")
        yield {"path": str(self.path), "source": self.source, "size": self.path.stat().st_size}

    def _given(self) -> Document:
        if self.document is None:
            raise ValueError(f"{self.source} has neither a file nor a text.")
        return self.document


def find_candidates(
    documents: Path | Iterable[Document | Path | str], index: Path | None = None
) -> tuple[list[Candidate], list[str]]:
    """What there is to index, and lines for what is skipped by its suffix; the files of `index` are neither.

    Raises FileNotFoundError for a missing folder, ValueError for one without documents.
    """
    if isinstance(documents, Path) and not documents.is_file():
        own = index.resolve() if index else None
        files = [file for file in list_files(documents) if own not in file[0].resolve().parents]
        known = [(path, source) for path, source in files if path.suffix.lower() in LOADERS]
        if not known:
            raise ValueError(f"{documents} holds no documents; formats read: {', '.join(sorted(LOADERS))}.")
        skipped = [
            f"{source}: format {path.suffix.lower() or 'without a suffix'} is not read"
            for path, source in files
            if path.suffix.lower() not in LOADERS
        ]
        return [Candidate(source=source, path=path) for path, source in known], skipped
    listed = [documents] if isinstance(documents, Path) else list(documents)
    given = [Path(item) if isinstance(item, str) else item for item in listed]
    found = [
        Candidate(source=item.name, path=item)
        if isinstance(item, Path)
        else Candidate(source=item.source, document=item)
        for item in given
    ]
    names = [candidate.source for candidate in found]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"Two documents have the source {twice!r}; give each its own.")
    return found, []
