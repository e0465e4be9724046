"""Reads question and passage together with a reranker that was trained here: one number for each pair, without torch
where its base is MiniLM."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.batches import make_batches, physical_cores
from rag.encoders import minilm_session, read_tokenizer
from rag.fusion import UNREADABLE_SHARE
from rag.tuned import base_of, is_whole, read_card, read_tuned
from rag.weights import minilm_folder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_BATCH_TOKENS = 1024
_QUESTION_TOKENS, _MAX_TOKENS = 64, 256  # where the adapter's card does not say

Scores = NDArray[np.float32]
Run = Callable[[Any, Any], Any]  # ids and segments, shape (n, tokens) -> shape (n,)


class CrossEncoder:
    """One set of weights, loaded when it first reads; many threads may share it."""

    def __init__(
        self,
        load: Callable[[], Run],
        tokenizer: Any,
        *,
        name: str,
        max_tokens: int = _MAX_TOKENS,
        question_tokens: int = _QUESTION_TOKENS,
        threads: int | None = None,
    ) -> None:
        self.name = name
        self.weight = settings()["weight"]  # beside the ranking that it reads, 0 to 1
        self._load, self._tokenizer = load, tokenizer
        self._max_tokens = max_tokens
        # As in training: never so many that no passage stands beside them.
        self._question_tokens = max(1, min(question_tokens, (max_tokens - 4) // 2))
        self._threads = threads or physical_cores()
        self._marks = [tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]", "[UNK]")]
        self._lock = threading.Lock()
        self._loaded: Run | None = None

    def reads(self, query: str) -> bool:
        """Whether its vocabulary knows the query's words; its numbers mean nothing where it does not."""
        ids = self._tokenizer.encode(query, add_special_tokens=False).ids
        return bool(ids) and ids.count(self._marks[2]) / len(ids) <= UNREADABLE_SHARE

    def raw_scores(self, query: str, texts: Sequence[str]) -> Scores:
        """The higher, the better a text answers; only differences between texts of one query mean something."""
        opens, parts, _ = self._marks
        asked = self._tokenizer.encode(query, add_special_tokens=False).ids[: self._question_tokens]
        room = self._max_tokens - len(asked) - 3
        read = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        pairs = [[opens, *asked, parts, *one.ids[:room], parts] for one in read]
        batches = make_batches([len(pair) for pair in pairs], _BATCH_TOKENS, pads=False)
        run = self._model()

        def scored(batch: list[int]) -> Any:
            ids = np.array([pairs[place] for place in batch])
            segments = np.zeros_like(ids)
            segments[:, len(asked) + 2 :] = 1
            return run(ids, segments)

        found = np.zeros(len(texts), dtype=np.float32)
        with ThreadPoolExecutor(min(self._threads, max(len(batches), 1))) as pool:
            for batch, scores in zip(batches, pool.map(scored, batches), strict=True):
                found[batch] = scores
        return found

    def scores(self, query: str, texts: Sequence[str]) -> Scores:
        """0 to 1: `raw_scores` through the logistic function."""
        return _logistic(self.raw_scores(query, texts))

    def _model(self) -> Run:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded


def open_cross_encoder(folder: Path, *, int8: bool = True, threads: int | None = None) -> CrossEncoder:
    """The reranker in an adapter folder on MiniLM; the weights are checked and loaded when it first reads."""
    card = read_card(folder, "rerank")
    config = card.get("config", {})
    base = folder if is_whole(folder, card) else base_of(folder, card)

    def load() -> Run:
        tuned = read_tuned(folder, "rerank")
        weight, bias = tuned.head
        states = minilm_session(tuned.weights, int8=int8, threads=1)
        return lambda ids, segments: (states(ids, segments).mean(axis=1) @ weight.T + bias)[:, 0]

    return CrossEncoder(
        load,
        read_tokenizer(base if (base / "tokenizer.json").is_file() else minilm_folder()),
        name=str(folder),
        max_tokens=min(int(config.get("max_length", _MAX_TOKENS)), 512),
        question_tokens=int(config.get("question_tokens", _QUESTION_TOKENS)),
        threads=threads,
    )


@cache
def settings() -> dict[str, float]:
    """The table of rerank.toml, read once."""
    found: dict[str, float] = tomllib.loads(files("rag").joinpath("rerank.toml").read_text("utf-8"))
    return found


def mixed(ranking: Sequence[float], read: Scores, weight: float) -> Scores:
    """Scores of 0 to 1 from those of a ranking and a reranker's raw ones, each less its mean and divided by its spread,
    since neither says where zero is."""
    both = (1 - weight) * _standard(np.asarray(ranking, np.float32)) + weight * _standard(read)
    return _logistic(both)


def _logistic(values: Scores) -> Scores:
    return (1 / (1 + np.exp(-values))).astype(np.float32)


def _standard(scores: Scores) -> Scores:
    found: Scores = (scores - scores.mean()) / max(float(scores.std()), 1e-6)
    return found
