"""Gives an index another embedder: its texts are embedded again while the last generation goes on answering."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rag.embed import Embedder, load_embedder
from rag.index import Index
from rag.manifest import Manifest, read_manifest
from rag.schema import RagConfig
from rag.update import Progress
from rag.writing import shortened, what_is_missing, write_index


@dataclass(frozen=True, slots=True, kw_only=True)
class Switching:
    """What a change of the embedder takes; `extra_bytes` of disk until it is done, when the old vectors go."""

    old: str
    new: str
    chunks: int
    extra_bytes: int


def switch_embedder(
    path: str | Path,
    embedder: str | Embedder,
    *,
    config: RagConfig | None = None,
    progress: Progress | None = None,
) -> Index:
    """Embed all texts of an index with another embedder; neither the documents nor the old embedder are needed.

    An interrupted run is gone on with by the next. Of `config` the settings of a search are taken. Raises
    FileNotFoundError where there is no index, and what `load_embedder` raises.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    if manifest is None:
        raise FileNotFoundError(what_is_missing(folder))
    new = load_embedder(embedder) if isinstance(embedder, str) else embedder
    own = replace(
        config or RagConfig(),
        embedder=new.name,
        store=manifest.store,
        store_uri=manifest.store_uri,
        chunk_tokens=manifest.chunk_tokens,
        overlap_tokens=manifest.overlap_tokens,
    )
    own = shortened(own, new)
    view, report = write_index(folder, [], (), None, own, new, progress, switch=True)
    return Index(folder, view, new, own, report)


def what_switching_takes(path: str | Path, embedder: Embedder) -> Switching | None:
    """None where there is no index, or it has these vectors already."""
    folder = Path(path)
    manifest = read_manifest(folder)
    if manifest is None or manifest.weight_hash == embedder.weight_hash:
        return None
    return Switching(
        old=manifest.embedder,
        new=embedder.name,
        chunks=manifest.chunks,
        extra_bytes=_extra_bytes(folder, manifest, embedder),
    )


def _extra_bytes(folder: Path, manifest: Manifest, embedder: Embedder) -> int:
    """Vectors and terms stand twice in the catalogue for a while, and the new views beside the old ones."""
    views = sum(path.stat().st_size for path in (folder / manifest.folder_name).rglob("*") if path.is_file())
    vectors = 4 * manifest.chunks * embedder.dimension
    grown = 4 * manifest.chunks * (embedder.dimension - manifest.dimension)
    return views + grown + vectors
