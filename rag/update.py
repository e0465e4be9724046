"""One update of an index: read what changed, embed what is new, write the next generation, swap the manifest."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rag import catalogue
from rag.candidates import Candidate
from rag.catalogue import Known
from rag.embed import Embedder
from rag.generation import View, derive_view, drop_other_generations, is_sound, load_view, write_generation
from rag.manifest import Manifest, write_manifest
from rag.report import IndexReport as IndexReport
from rag.schema import Chunk, Document, RagConfig
from rag.split import split_document

Progress = Callable[[str, int, int], None]
READER = 1  # raised when loaders or splitting change, so that files are read again
_COMMIT_EVERY = 50  # documents
_EMBED_TOGETHER = 128  # texts whose vectors are committed at once: what an interruption can cost


@dataclass(slots=True)
class _Tally:
    read: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def apply_update(
    folder: Path,
    db: sqlite3.Connection,
    current: Manifest | None,
    candidates: Sequence[Candidate],
    *,
    removed: Iterable[str] | None,
    notice: str,
    config: RagConfig,
    embedder: Embedder,
    progress: Progress | None = None,
) -> tuple[View, IndexReport]:
    """Bring the index to the candidates; `removed` None removes all others, else just those sources.

    Until the manifest is swapped the generation of `current` stays as it is, whatever happens.
    """
    generation = current.generation if current else 0
    catalogue.forget_unfinished(db, generation)
    catalogue.adopt_embedder(db, embedder.weight_hash)
    known = catalogue.known_documents(db, generation)
    tally = _read_changed(db, candidates, known, generation + 1, config, embedder, progress)
    gone = set(known) - {c.source for c in candidates} if removed is None else set(removed) & set(known)
    tally.removed = sorted(gone)
    catalogue.remove_documents(db, [known[source].id for source in gone], generation + 1)
    db.commit()
    _refuse_nothing(candidates, tally)
    chunks = catalogue.visible_chunks(db, generation + 1)
    embedded = _embed_missing(db, chunks, embedder, progress)
    manifest = _next_manifest(generation + 1, chunks, notice, config, embedder)
    same = (
        current is not None
        and replace(manifest, generation=generation, checksums=current.checksums) == current
    )
    if same and current is not None and not (tally.read or tally.removed) and is_sound(folder, current):
        view = load_view(folder, current)
        _tidy(folder, db, current)
    else:
        view = _swap(folder, db, manifest, chunks, progress)
    return view, _report(view.manifest, tally, embedded)


def _read_changed(
    db: sqlite3.Connection,
    candidates: Sequence[Candidate],
    known: dict[str, Known],
    generation: int,
    config: RagConfig,
    embedder: Embedder,
    progress: Progress | None,
) -> _Tally:
    tally = _Tally()
    chunking = f"{config.chunk_tokens}/{config.overlap_tokens}/{READER}"
    for number, candidate in enumerate(candidates, start=1):
        old = known.get(candidate.source)
        try:
            changed = _changed(db, candidate, old, chunking)
            if changed is not None:
                document, sha256, stamp = changed
                chunks = split_document(
                    document, embedder.count_tokens, config.chunk_tokens, config.overlap_tokens
                )
                catalogue.remove_documents(db, [old.id] if old else [], generation)
                catalogue.add_document(
                    db, document, chunks, sha256=sha256, stamp=stamp, chunking=chunking, generation=generation
                )
            (tally.unchanged if changed is None else tally.read).append(candidate.source)
        except (ValueError, OSError) as error:
            if candidate.path is None or (isinstance(error, OSError) and error.filename is None):
                raise  # not about this file
            kept = " (its earlier version stays in the index)" if old else ""
            tally.failed.append(_line(candidate.source, error) + kept)
        if number % _COMMIT_EVERY == 0:
            db.commit()
        if progress is not None:
            progress("read", number, len(candidates))
    db.commit()
    return tally


def _changed(
    db: sqlite3.Connection, candidate: Candidate, old: Known | None, chunking: str
) -> tuple[Document, str, tuple[int, int]] | None:
    """The document with its hash and file stamp, None when the catalogue has it as it is."""
    same_chunking = old is not None and old.chunking == chunking
    stamp = candidate.stamp()
    if same_chunking and old and old.mtime_ns and (old.mtime_ns, old.size) == stamp:
        return None
    sha256 = candidate.sha256()
    if same_chunking and old and old.sha256 == sha256:
        catalogue.touch_document(db, old.id, stamp)
        return None
    return candidate.read(), sha256, stamp


def _line(source: str, error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{source}: {error.strerror}"
    text = str(error)
    return f"{source}: {text.removeprefix(source).lstrip(': ').removeprefix('is ')}"


def _refuse_nothing(candidates: Sequence[Candidate], tally: _Tally) -> None:
    if candidates and not tally.read and not tally.unchanged:
        raise ValueError(f"No document could be read ({len(candidates)} tried): {tally.failed[0]}")


def _embed_missing(
    db: sqlite3.Connection, chunks: Sequence[tuple[Chunk, str]], embedder: Embedder, progress: Progress | None
) -> int:
    stored = catalogue.stored_hashes(db)
    missing = {key: catalogue.indexed_text(chunk) for chunk, key in chunks if key not in stored}
    # Long ones first: like lengths share a batch, and what takes most memory is tried at once.
    ordered = sorted(missing.items(), key=lambda item: -len(item[1]))
    done = 0
    for batch in _batches(ordered, _EMBED_TOGETHER):
        vectors = embedder.embed([text for _, text in batch])
        if vectors.shape != (len(batch), embedder.dimension):
            raise ValueError(f"Embedder {embedder.name!r} gave shape {vectors.shape} for {len(batch)} texts.")
        catalogue.save_vectors(db, [key for key, _ in batch], vectors)
        done += len(batch)
        if progress is not None:
            progress("embed", done, len(ordered))
    return len(ordered)


def _batches(items: list[tuple[str, str]], size: int) -> Iterator[list[tuple[str, str]]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _next_manifest(
    generation: int, chunks: Sequence[tuple[Chunk, str]], notice: str, config: RagConfig, embedder: Embedder
) -> Manifest:
    return Manifest(
        generation=generation,
        embedder=embedder.name,
        weight_hash=embedder.weight_hash,
        dimension=embedder.dimension,
        store=config.store,
        chunk_tokens=config.chunk_tokens,
        overlap_tokens=config.overlap_tokens,
        documents=len({chunk.source for chunk, _ in chunks}),
        chunks=len(chunks),
        notice=notice,
    )


def _swap(
    folder: Path,
    db: sqlite3.Connection,
    manifest: Manifest,
    chunks: list[tuple[Chunk, str]],
    progress: Progress | None,
) -> View:
    if progress is not None:
        progress("write", 0, 1)
    vectors = catalogue.read_vectors(db, [key for _, key in chunks], manifest.dimension)
    view = derive_view(manifest, chunks, vectors)
    manifest = replace(manifest, checksums=write_generation(folder, manifest, view))
    write_manifest(folder, manifest)
    # From here on the new generation answers; what follows only tidies and is done again by the next run.
    _tidy(folder, db, manifest)
    if progress is not None:
        progress("write", 1, 1)
    return replace(view, manifest=manifest)


def _tidy(folder: Path, db: sqlite3.Connection, manifest: Manifest) -> None:
    catalogue.drop_invisible(db, manifest.generation)
    drop_other_generations(folder, manifest)


def _report(manifest: Manifest, tally: _Tally, embedded: int) -> IndexReport:
    return IndexReport(
        read=tuple(tally.read),
        unchanged=tuple(tally.unchanged),
        failed=tuple(tally.failed),
        removed=tuple(tally.removed),
        embedded=embedded,
        documents=manifest.documents,
        chunks=manifest.chunks,
    )
