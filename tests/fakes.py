"""Stand-ins that are quick and deterministic: an embedder that hashes words and counts what it is asked."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[\u3400-\u9fff]|\w+")


class HashEmbedder:
    """Each word is a random direction drawn from its hash; texts that share words are near one another."""

    def __init__(
        self,
        *,
        name: str = "hash",
        dimension: int = 64,
        pause_seconds: float = 0.0,
        reads_chinese: bool = True,
    ) -> None:
        self.name = name
        self.dimension = dimension
        self.weight_hash = hashlib.sha256(f"{name}/{dimension}".encode()).hexdigest()
        self.max_tokens = 512
        self.embedded: list[str] = []  # every text that was asked for, in order
        self._pause_seconds = pause_seconds
        self._reads_chinese = reads_chinese

    def embed(
        self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        self.embedded += list(texts)
        time.sleep(self._pause_seconds * len(texts))
        vectors = [np.sum([self._direction(word) for word in self._words(text)], axis=0) for text in texts]
        if progress is not None:
            progress(len(texts), len(texts))
        found = np.asarray(vectors, dtype=np.float32).reshape(len(texts), self.dimension)
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)

    def count_tokens(self, text: str) -> int:
        return len(_WORD.findall(text))

    def unknown_share(self, text: str) -> float:
        words = self._words(text)
        chinese = sum(word >= "\u3400" for word in words)
        return 0.0 if self._reads_chinese else chinese / len(words)

    def _words(self, text: str) -> list[str]:
        return _WORD.findall(text.lower()) or [""]

    def _direction(self, word: str) -> NDArray[np.float64]:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
        return np.random.default_rng(seed).standard_normal(self.dimension)
