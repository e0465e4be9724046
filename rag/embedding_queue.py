"""Texts on their way into the catalogue: embedded in a thread beside the reading, cut into words meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import numpy as np

from rag import catalogue
from rag.embed import Embedder
from rag.encoders import Vectors
from rag.fusion import UNREADABLE_SHARE
from rag.keyword import encode_terms
from rag.schema import Chunk
from rag.texts import Texts
from rag.words import index_terms

Progress = Callable[[str, int, int], None]
TERMS = 1  # raised when rag.words.index_terms changes, so that texts are cut into words again
_POOL = 1024  # texts among which like lengths are sought, so that little is computed on padding
_TOGETHER = 128  # texts whose vectors are committed at once: what an interruption can cost
_Batch = list[tuple[bytes, str]]


class EmbeddingQueue:
    """Takes chunks while documents are read; each new text is embedded once, whatever holds it."""

    def __init__(self, texts: Texts, embedder: Embedder, progress: Progress | None) -> None:
        self._texts, self._embedder, self._progress = texts, embedder, progress
        self.expected = 0  # texts that will be embedded, where it is known beforehand
        self._waiting: dict[bytes, str] = {}
        self._running: deque[tuple[_Batch, Future[Vectors]]] = deque()
        self._pending: set[bytes] = set()  # of the batches that run
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedder")
        self.embedded = 0

    def __enter__(self) -> EmbeddingQueue:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    def add(self, chunks: Iterable[Chunk]) -> None:
        """Queue the texts that the catalogue does not hold yet."""
        for chunk in chunks:
            key = catalogue.text_hash(chunk)
            known = key in self._waiting or key in self._pending or self._texts.has(key)
            if not known:
                self._waiting[key] = catalogue.indexed_text(chunk)
        if len(self._waiting) >= _POOL:
            while len(self._running) > _POOL // _TOGETHER:  # one pool runs, one waits: memory stays bounded
                self._save_first()
            self._launch()
        while self._running and self._running[0][1].done():
            self._save_first()

    def finish(self) -> None:
        """Embed what waits and save all."""
        self._launch()
        while self._running:
            self._save_first()
        if self._progress is not None and self.embedded:
            self._progress("embed", self.embedded, self.embedded)

    def _launch(self) -> None:
        # Long ones first: like lengths share a batch, and what takes most memory is tried at once.
        ordered = sorted(self._waiting.items(), key=lambda item: -len(item[1]))
        self._pending.update(self._waiting)
        self._waiting.clear()
        for start in range(0, len(ordered), _TOGETHER):
            batch = ordered[start : start + _TOGETHER]
            self._running.append((batch, self._thread.submit(self._embed, [text for _, text in batch])))

    def _embed(self, texts: list[str]) -> Vectors:
        """Texts that the embedder cannot read get no direction: theirs would be noise, and take the time of others."""
        read = [
            place
            for place, text in enumerate(texts)
            if self._embedder.unknown_share(text) <= UNREADABLE_SHARE
        ]
        found = self._embedder.embed([texts[place] for place in read]) if read else np.zeros((0, 0))
        dimension = self._embedder.dimension
        if read and found.shape != (len(read), dimension):
            raise ValueError(
                f"Embedder {self._embedder.name!r} gave shape {found.shape} for {len(read)} texts."
            )
        vectors = np.zeros((len(texts), dimension), dtype=np.float32)
        if read:
            vectors[read] = found
        return vectors

    def _save_first(self) -> None:
        batch, future = self._running[0]
        terms = [encode_terms(index_terms(text)) for _, text in batch]  # while the thread embeds
        vectors = future.result()
        self._running.popleft()
        self._texts.save([key for key, _ in batch], vectors, terms)
        self._pending.difference_update(key for key, _ in batch)
        self.embedded += len(batch)
        found = max(self.embedded + len(self._pending) + len(self._waiting), self.expected)
        if self._progress is not None and self.embedded < found:  # the end is told by `finish`
            self._progress("embed", self.embedded, found)
