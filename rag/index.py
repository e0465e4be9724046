"""An index in use: build or open one, search it, update it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from rag import catalogue
from rag.calibration import read_thresholds
from rag.candidates import Candidate
from rag.conditions import Where
from rag.durable import full_disk_named, writer_lock
from rag.embed import Embedder, load_embedder
from rag.gathering import Documents as Documents
from rag.gathering import gather
from rag.generation import View, load_view
from rag.listing import IndexedDocument as IndexedDocument
from rag.manifest import Manifest, read_manifest
from rag.nearest import Near, nearest_in_view
from rag.report import IndexReport
from rag.schema import Chunk, Document, Hit, RagConfig
from rag.search import search_view
from rag.split import check_sizes
from rag.stores import STORES, Vectors
from rag.trace import SearchTrace
from rag.update import Progress, apply_update


class Index:
    """One generation in memory; `update`, `add` and `remove` write the next one and move on to it."""

    def __init__(
        self, path: Path, view: View, embedder: Embedder, config: RagConfig, report: IndexReport
    ) -> None:
        self.path = path
        self.embedder = embedder
        self.config = config
        self.report = report
        self._view = view

    @property
    def notice(self) -> str:
        """The notice that the indexed folder asks to be repeated with every answer, "" when it has none."""
        return self._view.manifest.notice

    @property
    def generation(self) -> int:
        return self._view.manifest.generation

    def __len__(self) -> int:
        return len(self._view.chunks)

    def search(self, query: str, k: int | None = None, where: Where | None = None) -> list[Hit]:
        """The `k` best chunks (config.k when None) among those that `where` allows.

        `where` maps "source", "page" or a metadata key to a value or several, or is an expression such as
        `source ~ "*.pdf" and date >= 2025`. It is applied before the search, so that k hits come back whenever k
        chunks match. ValueError in one line for one that is wrong.
        """
        return list(self.trace(query, k, where).hits)

    def trace(self, query: str, k: int | None = None, where: Where | None = None) -> SearchTrace:
        """The same search with the record of all that it did; `hits` are what `search` gives."""
        wanted = self.config.k if k is None else k
        return search_view(self._view, self.embedder, query, config=self.config, k=wanted, where=where)

    def nearest(self, vector: Vectors, k: int = 6, where: Where | None = None) -> list[Near]:
        """The `k` chunks nearest to a vector of this index's embedder, with their own: the dense leg alone."""
        return nearest_in_view(self._view, vector, k, where)

    def rarity(self, word: str) -> float:
        """Inverse document frequency of a word as `rag.words.tokenize` gives it; greatest for an unknown one."""
        return self._view.keyword.rarity(word)

    def documents(self) -> list[IndexedDocument]:
        """What is in the index, by source."""
        chunks = self._view.chunks
        return [
            IndexedDocument(
                source=listed.source,
                chunks=len(chunks.of_document(number)),
                characters=listed.characters,
                metadata=listed.metadata,
            )
            for number, listed in enumerate(chunks.documents)
        ]

    def document(self, source: str) -> Document:
        """The whole text of a source, with pages and headings. ValueError when the index does not hold it."""
        found = self._view.chunks.document(source)
        if found is None:
            raise ValueError(f"{source!r} is not in {self.path}.")
        return found

    def chunks(self, source: str) -> list[Chunk]:
        """The chunks of a source in the order of its text; empty when the index does not hold it."""
        number = self._view.chunks.number_of(source)
        return (
            [] if number is None else [self._view.chunks[at] for at in self._view.chunks.of_document(number)]
        )

    def refusal_thresholds(self) -> Mapping[str, float]:
        """What `advisor calibrate` found for this index, by judge; empty where the thresholds in force hold."""
        return read_thresholds(self.path, self.embedder.weight_hash)

    def update(self, documents: Documents, progress: Progress | None = None) -> IndexReport:
        """Bring the index to exactly these documents; only what changed is read and embedded."""
        candidates, skipped, notice = gather(documents, self.path)
        return self._apply(candidates, None, notice, progress, skipped)

    def add(self, documents: Documents, progress: Progress | None = None) -> IndexReport:
        """Add or replace documents and keep the others; a folder's notice joins the one that is there."""
        candidates, skipped, notice = gather(documents, self.path)
        new = f"{self.notice}\n\n{notice}".strip() if notice not in self.notice else None
        return self._apply(candidates, (), new, progress, skipped)

    def remove(self, sources: Iterable[str], progress: Progress | None = None) -> IndexReport:
        """Remove every trace of these documents. ValueError for one that the index does not hold."""
        wanted = [sources] if isinstance(sources, str) else list(sources)
        chunks = self._view.chunks
        if unknown := [source for source in wanted if chunks.number_of(source) is None]:
            held = ", ".join(listed.source for listed in chunks.documents[:10])
            raise ValueError(f"{unknown[0]!r} is not in {self.path}; it holds {held}.")
        return self._apply([], wanted, None, progress, [])

    def refresh(self) -> bool:
        """Move on to the newest generation that another process wrote; True when there was one."""
        manifest = read_manifest(self.path)
        if manifest is None or manifest.generation == self.generation:
            return False
        check_embedder(self.path, manifest, self.embedder)
        self._view = _open_view(self.path, self.config.store_token)
        return True

    def _apply(
        self,
        candidates: list[Candidate],
        removed: Iterable[str] | None,
        notice: str | None,
        progress: Progress | None,
        skipped: list[str],
    ) -> IndexReport:
        self._view, self.report = _write(
            self.path, candidates, removed, notice, self.config, self.embedder, progress, skipped
        )
        return self.report


def build_index(
    documents: Documents,
    path: str | Path,
    config: RagConfig | None = None,
    *,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
) -> Index:
    """Index a folder (or files, or Documents) into `path`; an index that is there already is updated.

    Raises FileNotFoundError for a missing folder, ValueError for an empty one, for settings that do not fit
    and for another embedder than the index was built with, OSError for a full disk or a second writer.
    """
    config = config or RagConfig()
    folder = Path(path)
    if config.store not in STORES:
        raise ValueError(f"Unknown vector store {config.store!r}; choose one of {sorted(STORES)}.")
    _check_target(folder)
    candidates, skipped, notice = gather(documents, folder)
    embedder = embedder or load_embedder(config.embedder)
    _check_chunking(config, embedder)
    with full_disk_named(folder, "no index was begun."):
        folder.mkdir(parents=True, exist_ok=True)
    view, report = _write(folder, candidates, None, notice, config, embedder, progress, skipped)
    return Index(folder, view, embedder, replace(config, embedder=embedder.name), report)


def open_index(
    path: str | Path, *, embedder: Embedder | None = None, config: RagConfig | None = None
) -> Index:
    """Open what `build_index` made. Errors say what to run when it is missing, unfinished or made otherwise.

    Of `config` only the settings of a search are taken; the others are the index's own.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    if manifest is None:
        raise FileNotFoundError(_what_is_missing(folder))
    embedder = embedder or load_embedder(manifest.embedder)
    check_embedder(folder, manifest, embedder)
    config = config or RagConfig()
    view = _open_view(folder, config.store_token)
    own = replace(
        config,
        embedder=view.manifest.embedder,
        store=view.manifest.store,
        store_uri=view.manifest.store_uri,
        chunk_tokens=view.manifest.chunk_tokens,
        overlap_tokens=view.manifest.overlap_tokens,
    )
    report = IndexReport(documents=view.manifest.documents, chunks=view.manifest.chunks)
    return Index(folder, view, embedder, own, report)


def check_embedder(folder: Path, manifest: Manifest, embedder: Embedder) -> None:
    """Vectors of two embedders cannot be compared. ValueError names both and what to run."""
    if (manifest.weight_hash, manifest.dimension) == (embedder.weight_hash, embedder.dimension):
        return
    raise ValueError(
        f"{folder} was built with embedder {manifest.embedder!r} (weights {manifest.weight_hash[:12]}, "
        f"{manifest.dimension} dimensions), not with {embedder.name!r} (weights {embedder.weight_hash[:12]}, "
        f"{embedder.dimension} dimensions); use {manifest.embedder!r}, or index the documents into another "
        f"folder: advisor index DOCS --out NEW_FOLDER"
    )


def _open_view(folder: Path, token: str | None) -> View:
    """The newest generation; a writer may swap it while it is read, then the newer one is read instead."""
    while True:
        manifest = read_manifest(folder)
        if manifest is None:
            raise FileNotFoundError(_what_is_missing(folder))
        try:
            return load_view(folder, manifest, token)
        except (ValueError, OSError):
            newer = read_manifest(folder)
            if newer is None or newer.generation == manifest.generation:
                raise


def _write(
    folder: Path,
    candidates: list[Candidate],
    removed: Iterable[str] | None,
    notice: str | None,
    config: RagConfig,
    embedder: Embedder,
    progress: Progress | None,
    skipped: list[str],
) -> tuple[View, IndexReport]:
    current = read_manifest(folder)
    intact = (
        f"the index still answers as before ({current.documents} documents)."
        if current
        else "what was done so far is kept."
    )
    with full_disk_named(folder, intact), writer_lock(folder), catalogue.open_catalogue(folder) as db:
        current = read_manifest(folder)  # another writer may have finished just before the lock was had
        if current is not None:
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


def _check_chunking(config: RagConfig, embedder: Embedder) -> None:
    check_sizes(config.chunk_tokens, config.overlap_tokens)
    if config.chunk_tokens > embedder.max_tokens:
        raise ValueError(
            f"chunk_tokens={config.chunk_tokens} is more than the {embedder.max_tokens} tokens that embedder "
            f"{embedder.name!r} reads; choose at most {embedder.max_tokens}."
        )


def _check_target(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; name a folder for the index.")
    begun = (folder / catalogue.NAME).exists() or (folder / "writer.lock").exists() or read_manifest(folder)
    if folder.is_dir() and not begun and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty and no index; name another folder for the index.")


def _what_is_missing(folder: Path) -> str:
    if (folder / catalogue.NAME).is_file():
        return f"{folder} was never completed (indexing was interrupted); go on with: advisor index DOCS --out {folder}"
    return f"There is no index at {folder}; make one with: advisor index DOCS --out {folder}"
