"""Writes a generation's views (passages, vectors, BM25) from the catalogue, or from the last ones and what is new."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.columns import map_rows
from rag.durable import Seals
from rag.passages import Passages, join_passages, write_passages
from rag.postings import Postings, collect_postings, join_postings, load_postings, save_postings
from rag.texts import NOW
from rag.visible import removed_sources, visible_documents, visible_texts

PASSAGES, VECTORS, KEYWORD = "passages", "vectors.f32", "keyword"
_ADDED = "added"  # within the new generation's folder, while it is written


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What stands in the views; `moved` holds for each position of the last ones the new one, -1 for none."""

    documents: int
    chunks: int
    moved: NDArray[np.int32] | None = None


def derive_views(
    folder: Path, db: sqlite3.Connection, generation: int, *, after: int = 0, table: str = NOW
) -> Written:
    """Of all documents of a generation, or those added after an earlier one; `table` holds their texts.

    ValueError for a damaged catalogue.
    """
    (folder / KEYWORD).mkdir(parents=True)
    chunks = write_passages(
        folder / PASSAGES,
        ((document, places) for document, places, _ in visible_documents(db, generation, after)),
    )
    with (folder / VECTORS).open("wb") as file:

        def terms() -> Iterator[bytes]:
            for vector, words in visible_texts(db, generation, after, table):
                file.write(vector)
                yield words

        postings = collect_postings(terms())
    if len(postings.lengths) != chunks:
        raise ValueError(f"{len(postings.lengths)} of {chunks} chunks have a vector")
    save_postings(postings, folder / KEYWORD)
    return Written(documents=len(Passages(folder / PASSAGES).documents), chunks=chunks)


def join_views(
    folder: Path, db: sqlite3.Connection, generation: int, last: Path, last_generation: int, seals: Seals
) -> Written:
    """The same files as `derive_views`, made of the sound ones in `last`: only what was added is derived.

    ValueError when what was removed since is not in them.
    """
    derive_views(folder / _ADDED, db, generation, after=last_generation)
    written = _join(folder, last, folder / _ADDED, removed_sources(db, generation), seals)
    shutil.rmtree(folder / _ADDED)
    return written


def _join(folder: Path, last: Path, added: Path, removed: list[str], seals: Seals) -> Written:
    # Nothing of `added` stays mapped after this, so that Windows can delete it.
    (folder / KEYWORD).mkdir()
    chunks = join_passages(folder / PASSAGES, last / PASSAGES, added / PASSAGES, removed)
    seals.add(folder / PASSAGES)
    before, after = load_postings(last / KEYWORD), load_postings(added / KEYWORD)
    with (folder / VECTORS).open("wb") as file:
        chunks.write(file, *(_vectors(*part) for part in ((last, before), (added, after))))
    seals.add(folder / VECTORS)
    save_postings(join_postings(before, after, chunks), folder / KEYWORD)
    seals.add(folder / KEYWORD)
    return Written(
        documents=len(Passages(folder / PASSAGES).documents),
        chunks=int(chunks.lengths().sum()),
        moved=chunks.moved(len(before.lengths), added=False),
    )


def _vectors(folder: Path, postings: Postings) -> NDArray[np.uint8]:
    """A row of bytes for each chunk."""
    path, chunks = folder / VECTORS, len(postings.lengths)
    return map_rows(path, np.uint8, chunks, path.stat().st_size // max(chunks, 1))
