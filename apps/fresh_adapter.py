"""A generator whose adapter may be replaced while it serves: the next answer is written by the one in place."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.assistant import Generator
    from rag.evidence import Evidence

logger = logging.getLogger(__name__)
Stamp = tuple[int, int]  # of the adapter's card: which file it is, and when it was written


class FreshAdapter:
    """Loads anew where another adapter stands at its folder. Answers that are being written end as they began."""

    def __init__(self, load: Callable[[], Generator], folder: str | Path) -> None:
        self.name = ""  # of the base
        self.adapter: str | None = str(folder)
        self._load = load
        self._folder = Path(folder)
        self._one_at_a_time = threading.Lock()
        self._stamp: Stamp | None = None
        self._generator: Generator | None = None
        self.newest()

    def stream(
        self, messages: Sequence[Mapping[str, str]], *, question: str = "", evidence: Evidence | None = None
    ) -> Iterator[str]:
        return self.newest().stream(messages, question=question, evidence=evidence)

    def newest(self) -> Generator:
        """The generator with the adapter in place; where none is there any more, the one that was loaded last."""
        with self._one_at_a_time:
            found = self._seen()
            if self._generator is None or found not in (None, self._stamp):
                if self._generator is not None:
                    logger.info("%s was replaced; it is loaded anew", self._folder)
                self._generator = None  # first, or both would be in memory at once
                self._generator = self._loaded()
                self.name = self._generator.name
            return self._generator

    def _loaded(self) -> Generator:
        """Loaded again where a change came between reading the first and the last file."""
        while True:
            self._stamp = self._seen()
            generator = self._load()
            if self._seen() == self._stamp:
                return generator

    def _seen(self) -> Stamp | None:
        try:
            status = (self._folder / "adapter_card.json").stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    def __getattr__(self, name: str) -> Any:
        """What else the generator offers: its context, its count of tokens."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.newest(), name)
