"""One update of an index: read what changed, embed what is new, write the next generation, swap the manifest."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from rag import catalogue, texts
from rag.candidates import Candidate
from rag.catalogue import Known
from rag.embed import Embedder
from rag.embedding_queue import TERMS, EmbeddingQueue
from rag.generation import (
    View,
    drop_other_generations,
    is_sound,
    map_generation,
    try_generation,
    write_generation,
)
from rag.intake import READER, Intake, Tally
from rag.manifest import Manifest, write_manifest
from rag.report import IndexReport as IndexReport
from rag.resplit import split_again
from rag.schema import RagConfig
from rag.texts import Texts

Progress = Callable[[str, int, int], None]


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
    if current:
        _check_whole(folder, db, current)
        texts.settle(db, current.weight_hash)
    catalogue.forget_unfinished(db, current.generation if current else 0)
    made_by = f"{embedder.weight_hash}/{TERMS}"
    held = texts.texts_made_by(db, made_by, answering=current is not None)
    with ThreadPoolExecutor(1, thread_name_prefix="sums") as beside:
        checked = beside.submit(is_sound, folder, current) if current else None
        tally, embedded = _take_in(held, current, candidates, removed, config, embedder, progress)
        sound = current if checked and checked.result() else None
    manifest = _next_manifest(current, notice, config, embedder)
    changed = bool(tally.read or tally.moved or tally.removed) or not held.kept
    changed = changed or _settings(manifest) != _settings(current)
    view = None if changed or sound is None else try_generation(folder, sound, config.store_token)
    if view is None:
        _tell(progress, "write", 0, 1)
        token, anew = config.store_token, not held.kept
        manifest = write_generation(folder, db, manifest, sound, token, table=held.table, anew=anew)
        view = map_generation(folder, manifest, config.store_token)
        write_manifest(folder, manifest)
        # From here on the new generation answers; what follows only tidies and is done again by the next run.
        _tell(progress, "write", 1, 1)
    if held.table == texts.NEXT:
        texts.take_over(db)
    _tidy(folder, db, view.manifest, config.store_token)
    return view, _report(view.manifest, tally, embedded)


def _take_in(
    held: Texts,
    current: Manifest | None,
    candidates: Sequence[Candidate],
    removed: Iterable[str] | None,
    config: RagConfig,
    embedder: Embedder,
    progress: Progress | None,
) -> tuple[Tally, int]:
    """Bring the catalogue to the candidates; returns what became of each and how many texts were embedded."""
    db, generation = held.db, current.generation if current else 0
    known = catalogue.known_documents(db, generation)
    gone = set(known) - {c.source for c in candidates} if removed is None else set(removed) & set(known)
    if current and current.weight_hash != embedder.weight_hash:
        stay = _to_cut(known, gone, candidates)
        show = partial(_tell, progress, "split")
        known = split_again(db, known, stay, generation + 1, config, embedder, show)
    with EmbeddingQueue(held, embedder, progress) as queue:
        intake = Intake(db, known, generation + 1, config, embedder, queue)
        tally = intake.run(candidates, lambda done, total: _tell(progress, "read", done, total))
        tally.removed = sorted(gone)
        catalogue.remove_documents(db, [known[source].id for source in gone], generation + 1)
        db.commit()
        _refuse_nothing(candidates, tally)
        if not held.kept:
            queue.expected = queue.embedded + held.count_missing(generation + 1)
        # Documents that were there before have theirs, or their generation would not have been written.
        for chunks in held.missing(generation + 1, after=generation if held.kept else 0):
            queue.add(chunks)
        queue.finish()
    return tally, queue.embedded


def _to_cut(known: Mapping[str, Known], gone: set[str], candidates: Sequence[Candidate]) -> list[str]:
    """The documents that stay, but for those whose files are at hand and to be read anew."""
    at_hand = {candidate.source for candidate in candidates}
    return [
        source
        for source, old in known.items()
        if source not in gone and (source not in at_hand or old.chunking.endswith(f"/{READER}"))
    ]


def _check_whole(folder: Path, db: sqlite3.Connection, current: Manifest) -> None:
    """A catalogue that was emptied or cut is met before anything is made from it."""
    found = catalogue.count_visible(db, current.generation)
    if found != (current.documents, current.chunks):
        raise catalogue.damaged(
            folder,
            f"it holds {found[0]} documents and {found[1]} chunks of generation {current.generation}, "
            f"which has {current.documents} and {current.chunks}",
        )


def _refuse_nothing(candidates: Sequence[Candidate], tally: Tally) -> None:
    if candidates and not (tally.read or tally.unchanged or tally.moved):
        raise ValueError(f"No document could be read ({len(candidates)} tried): {tally.failed[0]}")


def _next_manifest(current: Manifest | None, notice: str, config: RagConfig, embedder: Embedder) -> Manifest:
    """Without the counts and sums, which are known once the generation is written."""
    return Manifest(
        generation=current.generation + 1 if current else 1,
        embedder=embedder.name,
        weight_hash=embedder.weight_hash,
        dimension=embedder.dimension,
        store=config.store,
        store_uri=config.store_uri,
        collection=current.collection if current else f"advisor_{uuid.uuid4().hex[:12]}",
        chunk_tokens=config.chunk_tokens,
        overlap_tokens=config.overlap_tokens,
        documents=0,
        chunks=0,
        notice=notice,
    )


def _settings(manifest: Manifest | None) -> Manifest | None:
    """What an update may change without a document having changed."""
    return manifest and replace(manifest, generation=0, documents=0, chunks=0, checksums={})


def _tell(progress: Progress | None, stage: str, done: int, total: int) -> None:
    if progress is not None:
        progress(stage, done, total)


def _tidy(folder: Path, db: sqlite3.Connection, manifest: Manifest, token: str | None) -> None:
    catalogue.drop_invisible(db, manifest.generation)
    drop_other_generations(folder, manifest, token)


def _report(manifest: Manifest, tally: Tally, embedded: int) -> IndexReport:
    return IndexReport(
        read=tuple(tally.read),
        unchanged=tuple(tally.unchanged),
        moved=tuple(tally.moved),
        failed=tuple(tally.failed),
        unread=tuple(tally.unread),
        removed=tuple(tally.removed),
        embedded=embedded,
        documents=manifest.documents,
        chunks=manifest.chunks,
    )
