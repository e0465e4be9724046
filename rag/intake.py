"""Brings candidates into the catalogue: what is known stays, what was renamed moves, the rest is read by workers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from posixpath import splitext

from rag import catalogue
from rag.candidates import Candidate
from rag.catalogue import Known
from rag.embed import Embedder
from rag.embedding_queue import EmbeddingQueue
from rag.loaders.dates import find_date
from rag.loaders.pool import read_candidates
from rag.schema import Chunk, Document, RagConfig
from rag.split import split_document

Progress = Callable[[str, int, int], None]
READER = 2  # raised when loaders or splitting change, so that files are read again
_COMMIT_EVERY = 50  # documents


@dataclass(slots=True)
class Tally:
    """What became of each source; `failed` and `unread` hold "name: reason" lines."""

    read: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def seen(self) -> int:
        """How many candidates are dealt with."""
        return len(self.read) + len(self.unchanged) + len(self.moved) + len(self.failed)


class Intake:
    """One run over the candidates; `run` may be called once."""

    def __init__(
        self,
        db: sqlite3.Connection,
        known: dict[str, Known],
        generation: int,
        config: RagConfig,
        embedder: Embedder,
        texts: EmbeddingQueue,
    ) -> None:
        self._db, self._known, self._generation = db, known, generation
        self._config, self._embedder, self._texts = config, embedder, texts
        self._chunking = chunking(config)
        self._twins = {_twin_key(old.source, old.sha256): old.id for old in known.values() if self._fits(old)}
        self._stamps: dict[str, tuple[str, tuple[int, int]]] = {}
        self.tally = Tally()

    def run(self, candidates: Sequence[Candidate], progress: Callable[[int, int], None]) -> Tally:
        """Deal with all; embedding of what was read goes on meanwhile."""

        def told() -> None:
            progress(self.tally.seen(), len(candidates))

        committed = 0
        with closing(read_candidates(self._to_read(candidates, told))) as reading:
            for candidate, found in reading:
                self._take(candidate, found)
                told()
                if len(self.tally.read) - committed >= _COMMIT_EVERY:
                    self._db.commit()
                    committed = len(self.tally.read)
        self._db.commit()
        return self.tally

    def _to_read(self, candidates: Sequence[Candidate], told: Callable[[], None]) -> Iterator[Candidate]:
        """Those that are new or changed; the others are dealt with here."""
        for candidate in candidates:
            try:
                if not self._is_known(candidate):
                    yield candidate
                    continue
            except (ValueError, OSError) as error:
                self._fail(candidate, error)
            told()

    def _is_known(self, candidate: Candidate) -> bool:
        old = self._known.get(candidate.source)
        stamp = candidate.stamp()
        fits = old is not None and self._fits(old)
        if fits and old and old.mtime_ns and (old.mtime_ns, old.size) == stamp:
            self.tally.unchanged.append(candidate.source)
            return True
        sha256 = candidate.sha256()
        if fits and old and old.sha256 == sha256:
            catalogue.touch_document(self._db, old.id, stamp)
            self.tally.unchanged.append(candidate.source)
            return True
        twin = self._twins.get(_twin_key(candidate.source, sha256)) if candidate.document is None else None
        if twin is not None and self._copy(twin, candidate.source, sha256, stamp):
            self.tally.moved.append(candidate.source)
            return True
        self._stamps[candidate.source] = sha256, stamp
        return False

    def _copy(self, twin: int, source: str, sha256: str, stamp: tuple[int, int]) -> bool:
        """Put a document in under another name, without reading or splitting it; False when its name matters."""
        document = _renamed(catalogue.read_document(self._db, twin), source)
        if document is None:
            return False
        key = self._add(document, [], sha256, stamp)
        catalogue.copy_chunks(self._db, twin, key)
        return True

    def _take(self, candidate: Candidate, found: Document | Exception) -> None:
        try:
            if isinstance(found, Exception):
                raise found
            chunks = split_document(
                found, self._embedder.count_tokens, self._config.chunk_tokens, self._config.overlap_tokens
            )
            sha256, stamp = self._stamps.pop(candidate.source)
            key = self._add(found, chunks, sha256, stamp)
        except (ValueError, OSError, ImportError) as error:
            self._fail(candidate, error)
            return
        self._twins.setdefault(_twin_key(candidate.source, sha256), key)
        self.tally.read.append(candidate.source)
        if left_out := found.metadata.get("unread"):
            self.tally.unread.append(f"{candidate.source}: {left_out}")
        self._texts.add(chunks)

    def _add(self, document: Document, chunks: Sequence[Chunk], sha256: str, stamp: tuple[int, int]) -> int:
        old = self._known.get(document.source)
        catalogue.remove_documents(self._db, [old.id] if old else [], self._generation)
        return catalogue.add_document(
            self._db,
            document,
            chunks,
            sha256=sha256,
            stamp=stamp,
            chunking=self._chunking,
            generation=self._generation,
        )

    def _fits(self, old: Known) -> bool:
        return old.chunking == self._chunking

    def _fail(self, candidate: Candidate, error: Exception) -> None:
        if candidate.document is not None:
            raise error  # a mistake of the caller's, not one file among many
        kept = " (its earlier version stays in the index)" if candidate.source in self._known else ""
        self.tally.failed.append(_line(candidate.source, error) + kept)


def chunking(config: RagConfig, reader: int | str = READER) -> str:
    """How a document was read and cut, as its row says it."""
    return f"{config.chunk_tokens}/{config.overlap_tokens}/{reader}"


def _twin_key(source: str, sha256: str) -> tuple[str, str]:
    """Equal bytes are read alike under equal suffixes."""
    return sha256, splitext(source)[1].lower()


def _renamed(document: Document, source: str) -> Document | None:
    """The document under another name, with a title that follows it; None when the name gives another date."""
    old, new = PurePosixPath(document.source), PurePosixPath(source)
    if find_date(document.source, "") != find_date(source, ""):
        return None
    metadata = dict(document.metadata)
    if metadata.get("title") == old.stem:
        metadata["title"] = new.stem
    return replace(document, source=source, metadata=metadata)


def _line(source: str, error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{source}: {error.strerror}"
    text = str(error)
    return f"{source}: {text.removeprefix(source).lstrip(': ').removeprefix('is ')}"
