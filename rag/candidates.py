"""What there is to index: files of a folder, files by name, or documents given as they are."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rag.loaders import LOADERS, list_files, load_document
from rag.schema import Document

_FRESH_NS = 2_000_000_000  # a file written this recently may change again within one tick of its clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What an address gave, and the suffix that says how to read it."""

    data: bytes
    suffix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A document that should be in the index: a file, a member of an archive, a fetched page, or one given as it is."""

    source: str
    path: Path | None = None
    document: Document | None = None
    member: tuple[str, ...] = ()  # the names that lead to it within the archive at `path`
    digest: str = ""  # of the member
    fetched: Fetched | None = None

    def stamp(self) -> tuple[int, int]:
        """(mtime_ns, size) of its file; a time of 0 means that it cannot be trusted, zeros that there is no file."""
        if self.path is None:
            return 0, 0
        status = self.path.stat()
        settled = time.time_ns() - status.st_mtime_ns > _FRESH_NS
        return (status.st_mtime_ns if settled else 0), status.st_size

    def sha256(self) -> str:
        """Of the bytes of its file, of those that were fetched, or of everything that a given document says."""
        if self.member:
            return self.digest
        if self.fetched is not None:
            return hashlib.sha256(self.fetched.data).hexdigest()
        if self.path is not None:
            with self.path.open("rb") as file:
                return _hashed(file)
        document = self._given()
        places = (
            [[page.number, page.start] for page in document.pages],
            [[heading.path, heading.start] for heading in document.headings],
        )
        whole = json.dumps([document.text, dict(document.metadata), *places], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()

    def read(self) -> Document:
        """The document, read in this process without limits; raises what `load_document` raises."""
        if self.document is not None:
            return self.document
        with self.on_disk() as request:
            path = Path(request["path"])
            if self.member:
                from rag.loaders.archive import load_member

                return load_member(path, self.member, self.source)
            return load_document(path, self.source)

    @contextmanager
    def on_disk(self) -> Iterator[dict[str, Any]]:
        """What a worker process is asked to read, while it lies on the disk."""
        with ExitStack() as stack:
            path = self.path
            if self.fetched is not None:
                folder = stack.enter_context(tempfile.TemporaryDirectory())
                path = Path(folder) / f"fetched{self.fetched.suffix}"
                path.write_bytes(self.fetched.data)
            if path is None:
                raise ValueError(f"{self.source} has neither a file nor a text.")
            size = path.stat().st_size
            yield {"path": str(path), "source": self.source, "size": size, "member": list(self.member)}

    def _given(self) -> Document:
        if self.document is None:
            raise ValueError(f"{self.source} has neither a file nor a text.")
        return self.document


def is_address(name: str) -> bool:
    """Whether an argument is a web address and no path."""
    return name.lower().startswith(("http://", "https://"))


def find_candidates(
    documents: str | Path | Iterable[Document | Path | str], index: Path | None = None
) -> tuple[list[Candidate], list[str]]:
    """What there is to index, and lines for what is skipped by its suffix; the files of `index` are neither.

    Archives stand for the documents in them; web addresses, given as text, are fetched.
    Raises FileNotFoundError for a missing folder, ValueError for one without documents.
    """
    if isinstance(documents, Path) and not documents.is_file():
        found, skipped = _in_folder(documents, index)
    else:
        listed = [documents] if isinstance(documents, str | Path) else list(documents)
        found, skipped = [_of(item) for item in listed], []
    found, more_skipped = _unpacked(found)
    names = [candidate.source for candidate in found]
    if len(set(names)) < len(names):
        twice = next(name for name, times in Counter(names).items() if times > 1)
        raise ValueError(f"Two documents have the source {twice!r}; give each its own.")
    return found, skipped + more_skipped


def _in_folder(folder: Path, index: Path | None) -> tuple[list[Candidate], list[str]]:
    files = list_files(folder)
    own = index.resolve() if index else None
    if own is not None and own.is_relative_to(folder.resolve()):
        files = [file for file in files if own not in file[0].resolve().parents]
    known = [(path, source) for path, source in files if path.suffix.lower() in LOADERS]
    if not known:
        raise ValueError(f"{folder} holds no documents; formats read: {', '.join(sorted(LOADERS))}.")
    skipped = [
        f"{source}: format {path.suffix.lower() or 'without a suffix'} is not read"
        for path, source in files
        if path.suffix.lower() not in LOADERS
    ]
    return [Candidate(source=source, path=path) for path, source in known], skipped


def _of(item: Document | Path | str) -> Candidate:
    if isinstance(item, Document):
        return Candidate(source=item.source, document=item)
    if isinstance(item, str) and is_address(item):
        from rag.loaders.address import fetch_candidate

        return fetch_candidate(item)
    path = Path(item)
    return Candidate(source=path.name, path=path)


def _unpacked(found: Sequence[Candidate]) -> tuple[list[Candidate], list[str]]:
    """The members of archives in the place of these; one that is refused stays, so that reading it tells why."""
    archives = [c for c in found if c.path is not None and c.path.suffix.lower() == ".zip"]
    if not archives:
        return list(found), []
    from rag.loaders.pool import list_archives

    inside: dict[str, list[Candidate]] = {}
    skipped: list[str] = []
    for archive, listing in zip(archives, list_archives(archives), strict=True):
        if listing is not None and listing[0]:
            skipped += listing[1]
            inside[archive.source] = [
                Candidate(
                    source=f"{archive.source}/{member.shown}",
                    path=archive.path,
                    member=member.names,
                    digest=member.digest,
                )
                for member in listing[0]
            ]
    return [inner for outer in found for inner in inside.get(outer.source, [outer])], skipped


def _hashed(file: IO[bytes]) -> str:
    found = hashlib.sha256()
    while part := file.read(1 << 20):
        found.update(part)
    return found.hexdigest()
