"""A generation: the derived views (vectors, BM25) of the catalogue at one moment, on disk and in memory."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.catalogue import indexed_text, read_catalogue, read_vectors, visible_chunks
from rag.durable import sync_file, sync_folder, write_file
from rag.encoders import Vectors
from rag.keyword import KeywordIndex, build_keyword, load_keyword, save_keyword
from rag.manifest import Manifest
from rag.schema import Chunk
from rag.stores import Positions, VectorStore, open_store
from rag.words import index_terms

_log = logging.getLogger(__name__)
_VECTORS = "vectors.index"
_KEYWORD = "keyword"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that a search needs, in memory: a reader goes on with it whatever a writer does to the files."""

    manifest: Manifest
    chunks: tuple[Chunk, ...]
    store: VectorStore
    keyword: KeywordIndex

    def allowed(self, where: Mapping[str, Any] | None) -> Positions | None:
        """Positions of the chunks that match every key: "source" or metadata, one value or several."""
        if not where:
            return None
        wanted = {key: _values(value) for key, value in where.items()}
        found = [
            position
            for position, chunk in enumerate(self.chunks)
            if all(_field(chunk, key) in values for key, values in wanted.items())
        ]
        return np.asarray(found, dtype=np.int64)


def _values(value: Any) -> frozenset[str]:
    return (
        frozenset(map(str, value))
        if isinstance(value, list | tuple | set | frozenset)
        else frozenset([str(value)])
    )


def _field(chunk: Chunk, key: str) -> str | None:
    return chunk.source if key == "source" else chunk.metadata.get(key)


def write_generation(folder: Path, manifest: Manifest, view: View) -> dict[str, str]:
    """Write the views into a folder of their own; nothing refers to it until the manifest does. Returns sums."""
    target = folder / manifest.folder_name
    shutil.rmtree(target, ignore_errors=True)  # left by a run that was killed before its manifest
    (target / _KEYWORD).mkdir(parents=True)
    sums = {_VECTORS: write_file(target / _VECTORS, view.store.to_bytes())}
    save_keyword(view.keyword, target / _KEYWORD)
    for path in sorted((target / _KEYWORD).iterdir()):
        sums[f"{_KEYWORD}/{path.name}"] = sync_file(path)
    sync_folder(target / _KEYWORD)
    sync_folder(target)
    sync_folder(folder)
    return sums


def derive_view(manifest: Manifest, chunks: list[tuple[Chunk, str]], vectors: Vectors) -> View:
    """Compute the views from the catalogue's chunks and vectors."""
    store = open_store(manifest.store, manifest.dimension)
    store.add(vectors)
    keyword = build_keyword(index_terms(indexed_text(chunk)) for chunk, _ in chunks)
    return View(manifest=manifest, chunks=tuple(chunk for chunk, _ in chunks), store=store, keyword=keyword)


def load_view(folder: Path, manifest: Manifest) -> View:
    """Read a generation after checking every sum; a damaged or missing one is derived again from the catalogue."""
    with read_catalogue(folder) as db:
        chunks = visible_chunks(db, manifest.generation)
        if len(chunks) != manifest.chunks:
            raise ValueError(
                f"{folder} is damaged: the catalogue holds {len(chunks)} chunks, the manifest says "
                f"{manifest.chunks}; delete it and index the documents again."
            )
        try:
            return _read_view(folder / manifest.folder_name, manifest, chunks)
        except (OSError, ValueError) as error:
            _log.warning("%s: %s; computed again from the catalogue", folder, error)
        try:
            vectors = read_vectors(db, [key for _, key in chunks], manifest.dimension)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{folder} lacks vectors; delete it and index the documents again.") from error
    return derive_view(manifest, chunks, vectors)


def is_sound(folder: Path, manifest: Manifest) -> bool:
    """Whether every file of the generation is there with the right sum."""
    target = folder / manifest.folder_name
    return all(
        (target / name).is_file() and hashlib.sha256((target / name).read_bytes()).hexdigest() == expected
        for name, expected in manifest.checksums.items()
    )


def _read_view(target: Path, manifest: Manifest, chunks: list[tuple[Chunk, str]]) -> View:
    data: dict[str, bytes] = {}
    for name, expected in manifest.checksums.items():
        data[name] = (target / name).read_bytes()
        if hashlib.sha256(data[name]).hexdigest() != expected:
            raise ValueError(f"{target.name}/{name} is damaged")
    store = open_store(manifest.store, manifest.dimension)
    store.load(data[_VECTORS])
    if len(store) != len(chunks):
        raise ValueError(f"{target.name} holds {len(store)} vectors for {len(chunks)} chunks")
    return View(
        manifest=manifest,
        chunks=tuple(chunk for chunk, _ in chunks),
        store=store,
        keyword=load_keyword(target / _KEYWORD),
    )


def drop_other_generations(folder: Path, manifest: Manifest) -> None:
    """Delete the views that the manifest no longer names; open readers hold theirs in memory."""
    for path in folder.glob("g[0-9]*"):
        if path.is_dir() and path.name != manifest.folder_name:
            shutil.rmtree(path, ignore_errors=True)
