"""Cuts the documents of a catalogue again for another embedder, which counts tokens in its own way."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from rag import catalogue
from rag.catalogue import Known
from rag.embed import Embedder
from rag.intake import chunking
from rag.schema import Chunk, RagConfig
from rag.split import split_document

_COMMIT_EVERY = 50  # documents


def split_again(
    db: sqlite3.Connection,
    known: Mapping[str, Known],
    sources: Collection[str],
    generation: int,
    config: RagConfig,
    embedder: Embedder,
    told: Callable[[int, int], None],
) -> dict[str, Known]:
    """What is known once the documents of these `sources` are cut from the texts that are stored.

    A document whose chunks are other ones now gets a new row from `generation` on.
    """
    found = dict(known)
    for done, source in enumerate(sources, start=1):
        found[source] = _cut(db, known[source], generation, config, embedder)
        told(done, len(sources))
        if done % _COMMIT_EVERY == 0:
            db.commit()
    db.commit()
    return found


def _cut(db: sqlite3.Connection, old: Known, generation: int, config: RagConfig, embedder: Embedder) -> Known:
    document = catalogue.read_document(db, old.id)
    chunks = split_document(document, embedder.count_tokens, config.chunk_tokens, config.overlap_tokens)
    # What read the file stays as it was: a file that is to be read anew is known by it.
    cut = chunking(config, old.chunking.rsplit("/", 1)[-1])
    if cut == old.chunking and _places(chunks) == _places(catalogue.stored_chunks(db, old.id, document)):
        return old
    catalogue.remove_documents(db, [old.id], generation)
    key = catalogue.add_document(
        db,
        document,
        chunks,
        sha256=old.sha256,
        stamp=(old.mtime_ns, old.size),
        chunking=cut,
        generation=generation,
    )
    return replace(old, id=key, chunking=cut)


def _places(chunks: list[Chunk]) -> list[tuple[int, int, int | None, str]]:
    return [(chunk.start, chunk.end, chunk.page, chunk.heading) for chunk in chunks]
