"""A generation: the views derived from the catalogue at one moment (passages, vectors, BM25), on disk and mapped."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from rag.catalogue import damaged, read_catalogue, visible_documents, visible_texts
from rag.columns import map_rows
from rag.durable import sha256_of, sync_file, sync_folder
from rag.keyword import KeywordIndex, build_keyword, load_keyword, save_keyword
from rag.manifest import Manifest
from rag.passages import Passages, write_passages
from rag.stores import CHANGING, Home, Vectors, VectorStore, build_store, drop_store, load_store

_log = logging.getLogger(__name__)
_PASSAGES, _VECTORS, _KEYWORD, _STORE = "passages", "vectors.f32", "keyword", "store"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that a search needs, mapped or in memory: a reader goes on with it whatever a writer does to the files."""

    manifest: Manifest
    chunks: Passages
    store: VectorStore
    keyword: KeywordIndex


def write_generation(
    folder: Path,
    db: sqlite3.Connection,
    manifest: Manifest,
    current: Manifest | None = None,
    token: str | None = None,
) -> Manifest:
    """Derive the views into a folder of their own; nothing refers to it until the manifest does.

    Returns the manifest with the counts and the sums of what was written. What the store of the `current`
    generation learned is kept where it still fits.
    """
    target = folder / manifest.folder_name
    shutil.rmtree(target, ignore_errors=True)  # left by a run that was killed before its manifest
    try:
        documents, chunks = _derive(target, db, manifest)
    except ValueError as error:
        raise damaged(folder, str(error)) from error
    manifest = replace(manifest, documents=documents, chunks=chunks)
    home = replace(_home(target, manifest, token), earlier=_sound_store(folder, current))
    build_store(manifest.store, _vectors(target, manifest), home)
    files = [path for path in sorted(target.rglob("*")) if path.is_file()]
    sums = {path.relative_to(target).as_posix(): sync_file(path) for path in files}
    if manifest.store in CHANGING:
        sums = {name: sha256 for name, sha256 in sums.items() if not name.startswith(f"{_STORE}/")}
    for part in (target / _PASSAGES, target / _KEYWORD, target / _STORE, target, folder):
        sync_folder(part)
    return replace(manifest, checksums=sums)


def _derive(target: Path, db: sqlite3.Connection, manifest: Manifest) -> tuple[int, int]:
    """Everything but the store, which may live elsewhere. Returns how many documents and chunks there are."""
    for part in (_KEYWORD, _STORE):
        (target / part).mkdir(parents=True)
    chunks = write_passages(
        target / _PASSAGES,
        ((document, places) for document, places, _ in visible_documents(db, manifest.generation)),
    )
    with (target / _VECTORS).open("wb") as file:

        def terms() -> Iterator[bytes]:
            for vector, words in visible_texts(db, manifest.generation):
                file.write(vector)
                yield words

        keyword = build_keyword(terms())
    if len(keyword) != chunks:
        raise ValueError(f"{len(keyword)} of {chunks} chunks have a vector")
    save_keyword(keyword, target / _KEYWORD)
    return len(Passages(target / _PASSAGES).documents), chunks


def map_generation(
    folder: Path, manifest: Manifest, token: str | None = None, *, strict: bool = False
) -> View:
    """Map the files of a generation, whose sums are known to be right.

    Where the store cannot be opened the vectors are compared one by one, unless `strict`.
    """
    target = folder / manifest.folder_name
    try:
        vectors = _vectors(target, manifest)
        return _map_view(
            target, manifest, load_store(manifest.store, vectors, _home(target, manifest, token))
        )
    except (OSError, ValueError) as error:
        if strict:
            raise
        _log.warning("%s: %s; its vectors are compared one by one", folder, error)
        return _map_view(target, manifest, _flat_store(target, manifest))


def try_generation(folder: Path, manifest: Manifest, token: str | None = None) -> View | None:
    """Map a generation after checking every sum; None, and a warning, when anything of it needs to be made again."""
    try:
        check_sums(folder, manifest)
        return map_generation(folder, manifest, token, strict=True)
    except (OSError, ValueError) as error:
        _log.warning("%s: %s; it is made again", folder, error)
        return None


def load_view(folder: Path, manifest: Manifest, token: str | None = None) -> View:
    """Map a generation after checking every sum; a damaged or missing one is derived again, for this reader."""
    try:
        check_sums(folder, manifest)
        return map_generation(folder, manifest, token)
    except (OSError, ValueError) as error:
        _log.warning("%s: %s; computed again from the catalogue", folder, error)
    # Deleted at once where the system lets a mapped file go; the reader keeps what it has mapped.
    with tempfile.TemporaryDirectory(prefix="advisor-", ignore_cleanup_errors=True) as place:
        target = Path(place) / manifest.folder_name
        with read_catalogue(folder) as db:
            try:
                counts = _derive(target, db, manifest)
            except (ValueError, TypeError) as error:
                raise damaged(folder, str(error)) from error
        if counts != (manifest.documents, manifest.chunks):
            raise damaged(
                folder,
                f"it holds {counts[1]} chunks, {manifest.chunks} belong to the generation that answers",
            )
        return _map_view(target, manifest, _flat_store(target, manifest))


def _sound_store(folder: Path, current: Manifest | None) -> Path | None:
    """The folder of a generation's store when its files are what was written."""
    if current is None:
        return None
    own = {name: sha256 for name, sha256 in current.checksums.items() if name.startswith(f"{_STORE}/")}
    try:
        check_sums(folder, replace(current, checksums=own))
    except (OSError, ValueError):
        return None
    return folder / current.folder_name / _STORE


def check_sums(folder: Path, manifest: Manifest) -> None:
    """ValueError when a file of the generation is not the one that was written, OSError when it is missing."""
    target = folder / manifest.folder_name
    with ThreadPoolExecutor(4, thread_name_prefix="sums") as threads:
        found = threads.map(sha256_of, [target / name for name in manifest.checksums])
        for (name, expected), sha256 in zip(manifest.checksums.items(), found, strict=True):
            if sha256 != expected:
                raise ValueError(f"{target.name}/{name} is damaged")


def _map_view(target: Path, manifest: Manifest, store: VectorStore) -> View:
    chunks = Passages(target / _PASSAGES)
    keyword = load_keyword(target / _KEYWORD)
    if not len(chunks) == len(store) == len(keyword) == manifest.chunks:
        raise ValueError(
            f"{target.name} holds {len(chunks)} passages, {len(store)} vectors and {len(keyword)} texts for BM25, "
            f"not {manifest.chunks}"
        )
    return View(manifest=manifest, chunks=chunks, store=store, keyword=keyword)


def _vectors(target: Path, manifest: Manifest) -> Vectors:
    return map_rows(target / _VECTORS, "<f4", manifest.chunks, manifest.dimension)


def _flat_store(target: Path, manifest: Manifest) -> VectorStore:
    """Vectors are compared one by one, which needs nothing built and finds the same or better."""
    name = "faiss" if manifest.store == "faiss" else "exact"
    return load_store(name, _vectors(target, manifest), Home(folder=target / "none"))


def _home(target: Path, manifest: Manifest, token: str | None) -> Home:
    return Home(
        folder=target / _STORE,
        collection=f"{manifest.collection}_{manifest.folder_name}",
        uri=manifest.store_uri,
        token=token,
    )


def drop_other_generations(folder: Path, manifest: Manifest, token: str | None = None) -> None:
    """Delete the views that the manifest no longer names; open readers hold what they have mapped."""
    drop_store(manifest.store, _home(folder / manifest.folder_name, manifest, token))
    for path in folder.glob("g[0-9]*"):
        if path.is_dir() and path.name != manifest.folder_name:
            shutil.rmtree(path, ignore_errors=True)
