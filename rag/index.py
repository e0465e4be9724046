"""An index in use: build or open one, search it, update it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from rag.calibration import read_thresholds
from rag.candidates import Candidate
from rag.conditions import Where
from rag.durable import full_disk_named
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
from rag.stores import STORES, Vectors
from rag.trace import SearchTrace
from rag.update import Progress
from rag.writing import (
    check_embedder,
    check_target,
    own_embedder,
    sized,
    what_is_missing,
    write_index,
)


class Index:
    """One generation in memory; `update`, `add` and `remove` write the next one and move on to it."""

    def __init__(
        self, path: Path, view: View, embedder: Embedder, config: RagConfig, report: IndexReport
    ) -> None:
        self.path = path
        self.config = config
        self.report = report
        # Together, so that a search never meets the vectors of one embedder with a question of another.
        self._held = view, embedder

    @property
    def embedder(self) -> Embedder:
        """The one that the vectors of this generation come from."""
        return self._held[1]

    @property
    def _view(self) -> View:
        return self._held[0]

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
        view, embedder = self._held
        return search_view(view, embedder, query, config=self.config, k=wanted, where=where)

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

    def switch_embedder(self, embedder: str | Embedder, progress: Progress | None = None) -> IndexReport:
        """Embed all texts again with another embedder; until that is done the last generation answers."""
        from rag.switch import switch_embedder

        new = switch_embedder(self.path, embedder, config=self.config, progress=progress)
        self._held, self.config, self.report = new._held, new.config, new.report
        return self.report

    def refresh(self) -> bool:
        """Move on to the newest generation that another process wrote, and to its embedder; True when there was one."""
        manifest = read_manifest(self.path)
        if manifest is None or manifest.generation == self.generation:
            return False
        self._held = _opened(self.path, manifest, self.embedder, self.config.store_token, other=True)
        self.config = _own(self.config, self._view.manifest)
        return True

    def _apply(
        self,
        candidates: list[Candidate],
        removed: Iterable[str] | None,
        notice: str | None,
        progress: Progress | None,
        skipped: list[str],
    ) -> IndexReport:
        embedder = self.embedder
        view, self.report = write_index(
            self.path, candidates, removed, notice, self.config, embedder, progress, skipped
        )
        self._held = view, embedder
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

    An index keeps its embedder where none is named; with another one all its texts are embedded again, and the last
    generation answers until that is done. Raises FileNotFoundError for a missing folder, ValueError for an empty one
    and for settings that do not fit, OSError for a full disk or a second writer.
    """
    config = config or RagConfig()
    folder = Path(path)
    if config.store not in STORES:
        raise ValueError(f"Unknown vector store {config.store!r}; choose one of {sorted(STORES)}.")
    check_target(folder)
    candidates, skipped, notice = gather(documents, folder)
    current, named = read_manifest(folder), bool(embedder or config.embedder)
    if embedder is None:
        embedder = own_embedder(folder, current) if current and not named else load_embedder(config.embedder)
    config = replace(sized(config, embedder), embedder=embedder.name)
    with full_disk_named(folder, "no index was begun."):
        folder.mkdir(parents=True, exist_ok=True)
    view, report = write_index(
        folder, candidates, None, notice, config, embedder, progress, skipped, switch=named
    )
    return Index(folder, view, embedder, config, report)


def open_index(
    path: str | Path, *, embedder: Embedder | None = None, config: RagConfig | None = None
) -> Index:
    """Open what `build_index` made. Errors say what to run when it is missing, unfinished or made otherwise.

    Of `config` only the settings of a search are taken; the others are the index's own.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    if manifest is None:
        raise FileNotFoundError(what_is_missing(folder))
    config = config or RagConfig()
    if embedder is not None:
        check_embedder(folder, manifest, embedder)
    view, found = _opened(folder, manifest, embedder, config.store_token, other=embedder is None)
    report = IndexReport(documents=view.manifest.documents, chunks=view.manifest.chunks)
    return Index(folder, view, found, _own(config, view.manifest), report)


def _own(config: RagConfig, manifest: Manifest) -> RagConfig:
    """The settings of a search, with those that an index was built with."""
    return replace(
        config,
        embedder=manifest.embedder,
        store=manifest.store,
        store_uri=manifest.store_uri,
        chunk_tokens=manifest.chunk_tokens,
        overlap_tokens=manifest.overlap_tokens,
    )


def _opened(
    folder: Path, manifest: Manifest, embedder: Embedder | None, token: str | None, *, other: bool
) -> tuple[View, Embedder]:
    """The newest generation and its embedder; `other`: whether one may be loaded in the place of what is given."""
    while True:
        if embedder is None or (other and manifest.weight_hash != embedder.weight_hash):
            embedder = own_embedder(folder, manifest)
        check_embedder(folder, manifest, embedder)
        view = _open_view(folder, token)
        if view.manifest.weight_hash == embedder.weight_hash:
            return view, embedder
        manifest = view.manifest  # switched meanwhile


def _open_view(folder: Path, token: str | None) -> View:
    """The newest generation; a writer may swap it while it is read, then the newer one is read instead."""
    while True:
        manifest = read_manifest(folder)
        if manifest is None:
            raise FileNotFoundError(what_is_missing(folder))
        try:
            return load_view(folder, manifest, token)
        except (ValueError, OSError):
            newer = read_manifest(folder)
            if newer is None or newer.generation == manifest.generation:
                raise
