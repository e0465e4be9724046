"""How an index is written: what is refused beforehand, the lock, the catalogue, and what a full disk leaves intact."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from rag import catalogue
from rag.candidates import Candidate
from rag.durable import full_disk_named, writer_lock
from rag.embed import Embedder, load_embedder
from rag.generation import View
from rag.manifest import Manifest, read_manifest
from rag.report import IndexReport
from rag.schema import RagConfig
from rag.split import check_sizes
from rag.update import Progress, apply_update

_log = logging.getLogger(__name__)


def write_index(
    folder: Path,
    candidates: list[Candidate],
    removed: Iterable[str] | None,
    notice: str | None,
    config: RagConfig,
    embedder: Embedder,
    progress: Progress | None,
    skipped: Iterable[str] = (),
    *,
    switch: bool = False,
) -> tuple[View, IndexReport]:
    """Bring an index to the candidates; with `switch` also to another embedder than it was built with."""
    current = read_manifest(folder)
    intact = (
        f"the index still answers as before ({current.documents} documents)."
        if current
        else "what was done so far is kept."
    )
    with full_disk_named(folder, intact), writer_lock(folder), catalogue.open_catalogue(folder) as db:
        current = read_manifest(folder)  # another writer may have finished just before the lock was had
        if current is not None and not switch:
            check_embedder(folder, current, embedder)
        view, report = apply_update(
            folder,
            db,
            current,
            candidates,
            removed=removed,
            notice=(current.notice if current else "") if notice is None else notice,
            config=config,
            embedder=embedder,
            progress=progress,
        )
    return view, replace(report, skipped=tuple(skipped))


def own_embedder(folder: Path, manifest: Manifest) -> Embedder:
    """The embedder that an index was built with. The error for one that is gone or changed says how to go on."""
    try:
        found = load_embedder(manifest.embedder)
    except (ValueError, OSError) as error:
        raise (ValueError if isinstance(error, ValueError) else OSError)(
            f"{folder} was built with embedder {manifest.embedder!r}, which cannot be loaded: {error} Bring it back, "
            f"or embed the texts with another: advisor index --out {folder} --embedder minilm"
        ) from error
    check_embedder(folder, manifest, found)
    return found


def check_embedder(folder: Path, manifest: Manifest, embedder: Embedder) -> None:
    """Vectors of two embedders cannot be compared. ValueError names both and what to run."""
    if (manifest.weight_hash, manifest.dimension) == (embedder.weight_hash, embedder.dimension):
        return
    way_on = f"embed its texts again: advisor index --out {folder} --embedder {embedder.name}"
    if manifest.embedder == embedder.name:
        raise ValueError(
            f"{folder} was built with embedder {manifest.embedder!r}, whose weights were others then "
            f"({manifest.weight_hash[:12]}, now {embedder.weight_hash[:12]}); bring the old ones back, or {way_on}"
        )
    raise ValueError(
        f"{folder} was built with embedder {manifest.embedder!r} (weights {manifest.weight_hash[:12]}, "
        f"{manifest.dimension} dimensions), not with {embedder.name!r} (weights {embedder.weight_hash[:12]}, "
        f"{embedder.dimension} dimensions); use {manifest.embedder!r}, or {way_on}"
    )


def sized(config: RagConfig, embedder: Embedder) -> RagConfig:
    """The settings with chunks that the embedder reads whole; a size that was chosen and is too large is refused."""
    check_sizes(config.chunk_tokens, config.overlap_tokens)
    if config.chunk_tokens <= embedder.max_tokens:
        return config
    if config.chunk_tokens != RagConfig().chunk_tokens:
        raise ValueError(
            f"chunk_tokens={config.chunk_tokens} is more than the {embedder.max_tokens} tokens that embedder "
            f"{embedder.name!r} reads; choose at most {embedder.max_tokens}."
        )
    return shortened(config, embedder)


def shortened(config: RagConfig, embedder: Embedder) -> RagConfig:
    """The settings with chunks of at most what the embedder reads."""
    most = embedder.max_tokens
    if config.chunk_tokens <= most:
        return config
    _log.warning(
        "chunks of %d tokens instead of %d: %s reads no more", most, config.chunk_tokens, embedder.name
    )
    return replace(config, chunk_tokens=most, overlap_tokens=min(config.overlap_tokens, most // 6))


def check_target(folder: Path) -> None:
    """Refuse a file, and a folder that holds something else."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; name a folder for the index.")
    begun = (folder / catalogue.NAME).exists() or (folder / "writer.lock").exists() or read_manifest(folder)
    if folder.is_dir() and not begun and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty and no index; name another folder for the index.")


def what_is_missing(folder: Path) -> str:
    """Why there is nothing to open, and what to run."""
    if (folder / catalogue.NAME).is_file():
        return f"{folder} was never completed (indexing was interrupted); go on with: advisor index DOCS --out {folder}"
    return f"There is no index at {folder}; make one with: advisor index DOCS --out {folder}"
