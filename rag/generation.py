"""A generation: the views derived from the catalogue at one moment (passages, vectors, BM25), on disk and mapped."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from rag.catalogue import count_visible, damaged, read_catalogue
from rag.columns import map_rows
from rag.durable import Seals, sha256_of, sync_folder
from rag.keyword import KeywordIndex, load_keyword
from rag.manifest import Manifest
from rag.passages import Passages
from rag.stores import CHANGING, Home, Vectors, VectorStore, build_store, drop_store, load_store
from rag.texts import NOW, table_of
from rag.views import KEYWORD, PASSAGES, VECTORS, Written, derive_views, join_views

_log = logging.getLogger(__name__)
_STORE = "store"


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
    *,
    table: str = NOW,
    anew: bool = False,
) -> Manifest:
    """Write the views into a folder of their own; nothing refers to it until the manifest does.

    Returns the manifest with the counts and the sums of what was written. What the `current` generation, whose files
    must be sound, holds of the same documents is taken over, unless all views are to be made `anew`. `table` holds the
    texts.
    """
    current = None if anew else current
    target = folder / manifest.folder_name
    shutil.rmtree(target, ignore_errors=True)  # left by a run that was killed before its manifest
    with Seals(target) as seals:
        written = _write_views(folder, db, manifest, current, seals, table)
        manifest = replace(manifest, documents=written.documents, chunks=written.chunks)
        (target / _STORE).mkdir()
        earlier = folder / current.folder_name / _STORE if current else None
        home = replace(_home(target, manifest, token), earlier=earlier, moved=written.moved)
        build_store(manifest.store, _vectors(target, manifest), home)
        sums = seals.finish()
    sync_folder(folder)
    if manifest.store in CHANGING:
        sums = {name: sha256 for name, sha256 in sums.items() if not name.startswith(f"{_STORE}/")}
    return replace(manifest, checksums=sums)


def _write_views(
    folder: Path,
    db: sqlite3.Connection,
    manifest: Manifest,
    current: Manifest | None,
    seals: Seals,
    table: str,
) -> Written:
    target, generation = folder / manifest.folder_name, manifest.generation
    try:
        if current is None:
            return derive_views(target, db, generation, table=table)
        written = join_views(target, db, generation, folder / current.folder_name, current.generation, seals)
        if (written.documents, written.chunks) != count_visible(db, generation):
            raise ValueError(
                f"{written.documents} documents and {written.chunks} chunks are not what it shows"
            )
        return written
    except ValueError as error:
        raise damaged(folder, str(error)) from error


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


def is_sound(folder: Path, manifest: Manifest) -> bool:
    """Whether all files of a generation are what was written; a warning says what is not. Meant to run beside."""
    try:
        check_sums(folder, manifest, threads=1)
    except (OSError, ValueError) as error:
        _log.warning("%s: %s; it is made again", folder, error)
        return False
    return True


def try_generation(folder: Path, manifest: Manifest, token: str | None = None) -> View | None:
    """Map a sound generation; None, and a warning, when its store needs to be made again."""
    try:
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
                table = table_of(db, manifest.weight_hash)
                written = derive_views(target, db, manifest.generation, table=table)
            except (ValueError, TypeError) as error:
                raise damaged(folder, str(error)) from error
        if (written.documents, written.chunks) != (manifest.documents, manifest.chunks):
            raise damaged(
                folder,
                f"it holds {written.chunks} chunks, {manifest.chunks} belong to the generation that answers",
            )
        return _map_view(target, manifest, _flat_store(target, manifest))


def check_sums(folder: Path, manifest: Manifest, *, threads: int = 4) -> None:
    """ValueError when a file of the generation is not the one that was written, OSError when it is missing."""
    target = folder / manifest.folder_name
    with ThreadPoolExecutor(threads, thread_name_prefix="sums") as pool:
        found = pool.map(sha256_of, [target / name for name in manifest.checksums])
        for (name, expected), sha256 in zip(manifest.checksums.items(), found, strict=True):
            if sha256 != expected:
                raise ValueError(f"{target.name}/{name} is damaged")


def _map_view(target: Path, manifest: Manifest, store: VectorStore) -> View:
    chunks = Passages(target / PASSAGES)
    keyword = load_keyword(target / KEYWORD)
    if not len(chunks) == len(store) == len(keyword) == manifest.chunks:
        raise ValueError(
            f"{target.name} holds {len(chunks)} passages, {len(store)} vectors and {len(keyword)} texts for BM25, "
            f"not {manifest.chunks}"
        )
    return View(manifest=manifest, chunks=chunks, store=store, keyword=keyword)


def _vectors(target: Path, manifest: Manifest) -> Vectors:
    return map_rows(target / VECTORS, "<f4", manifest.chunks, manifest.dimension)


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
