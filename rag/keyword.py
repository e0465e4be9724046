"""BM25 over an inverted index: only the chunks that hold a word of the query are scored."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.phrases import Asked, Texts, share_of_pairs, share_of_words
from rag.postings import (
    Postings,
    collect_postings,
    decode_terms,
    encode_terms,
    load_postings,
    save_postings,
)
from rag.words import index_terms, is_chinese, tokenize

__all__ = [
    "KeywordIndex",
    "build_keyword",
    "decode_terms",
    "encode_terms",
    "index_terms",
    "load_keyword",
    "save_keyword",
    "tokenize",
]

K1, B = 1.2, 0.75  # Lucene's, as in the published baselines
# BM25+ (Lv and Zhai 2011): a long chunk that holds a word stands above one that does not. Chinese terms need none of
# it, as each word comes with its characters and pairs.
DELTA = 0.5


class KeywordIndex:
    """BM25+ with Lucene's idf: idf · (tf / (tf + k1 · (1 - b + b · length / mean length)) + delta)."""

    def __init__(self, postings: Postings) -> None:
        self.postings = postings
        lengths = postings.lengths.astype(np.float32)
        mean = float(lengths.mean()) if len(lengths) and lengths.any() else 1.0
        self._norms = (K1 * (1 - B + B * lengths / mean)).astype(np.float32)
        self._ends = np.cumsum(postings.lengths, dtype=np.int64)
        self._last: tuple[tuple[str, ...], NDArray[np.float32]] = (
            (),
            np.zeros(len(lengths), dtype=np.float32),
        )

    def __len__(self) -> int:
        return len(self.postings.lengths)

    def top(
        self, query: str, depth: int, allowed: NDArray[np.int64] | None = None
    ) -> list[tuple[int, float]]:
        """Up to `depth` (position, score > 0), best first, of equals the first; of `allowed` when it is given."""
        return self.top_terms(index_terms(query), depth, allowed)

    def top_terms(
        self, terms: Sequence[str], depth: int, allowed: NDArray[np.int64] | None = None
    ) -> list[tuple[int, float]]:
        """As `top`, for a query that is cut into terms already."""
        scores = self._scores(terms)
        found = np.flatnonzero(scores) if allowed is None else np.unique(allowed)
        values = scores[found]
        if 0 < depth < len(values):
            # All that reach the depth-th value: among its equals the sort below takes the first.
            kept = values >= np.partition(values, len(values) - depth)[len(values) - depth]
            found, values = found[kept], values[kept]
        order = np.argsort(-values, kind="stable")[: max(depth, 0)]
        pairs = zip(found[order].tolist(), values[order].tolist(), strict=True)
        return [(position, score) for position, score in pairs if score > 0]

    def scores_at(self, query: str, positions: NDArray[np.int64] | Sequence[int]) -> NDArray[np.float32]:
        """The scores of these chunks, in their order; 0 where no word of the query occurs."""
        return self._scores(index_terms(query))[np.asarray(positions, dtype=np.int64)]

    def words_met(self, query: str, positions: Sequence[int]) -> NDArray[np.float64]:
        """For each of these chunks the share of the query's words that it holds, by rarity, 0 to 1."""
        return share_of_words(self._asked(query), self._texts(positions))

    def pairs_met(self, query: str, positions: Sequence[int]) -> NDArray[np.float64]:
        """For each of these chunks the share of the query's neighbouring words that stand together in it, 0 to 1."""
        return share_of_pairs(self._asked(query), self._texts(positions))

    def _asked(self, query: str) -> Asked:
        terms = index_terms(query)
        numbers = [self.postings.number(term) for term in terms]
        return Asked(
            np.array([-1 if number is None else number for number in numbers], dtype=np.int64),
            np.array([self.rarity(term) for term in terms], dtype=np.float64),
        )

    def _texts(self, positions: Sequence[int]) -> Texts:
        ends, lengths, words = self._ends, self.postings.lengths, self.postings.sequence
        texts = [words[ends[place] - lengths[place] : ends[place]].astype(np.int64) for place in positions]
        return Texts.of(texts)

    def rarity(self, word: str) -> float:
        """ln(1 + (N - n + 0.5) / (n + 0.5)) with n of the N chunks holding the word; greatest for an unknown one."""
        row = self.postings.row(word)
        return self._idf(row.stop - row.start)

    def _idf(self, holding: int) -> float:
        return math.log(1 + (len(self) - holding + 0.5) / (holding + 0.5))

    def _scores(self, terms: Sequence[str]) -> NDArray[np.float32]:
        """Of all chunks. The last query's are kept: a search asks for the best first, then for some others."""
        last, scores = self._last
        if (asked := tuple(terms)) != last:
            scores = self._compute(terms)
            self._last = (asked, scores)
        return scores

    def _compute(self, terms: Sequence[str]) -> NDArray[np.float32]:
        scores = np.zeros(len(self), dtype=np.float32)
        for word, times in Counter(terms).items():
            row = self.postings.row(word)
            positions = self.postings.positions[row]
            counts = self.postings.counts[row].astype(np.float32)
            weights = counts / (counts + self._norms[positions])
            if not is_chinese(word):
                weights += np.float32(DELTA)
            scores[positions] += np.float32(times * self._idf(len(positions))) * weights
        return scores


def build_keyword(chunks: Iterable[Sequence[str] | bytes]) -> KeywordIndex:
    """An index over chunks, each given as its `index_terms` or as the bytes that `encode_terms` made of them."""
    return KeywordIndex(collect_postings(chunks))


def save_keyword(index: KeywordIndex, folder: Path) -> None:
    """Plain arrays; never a pickle."""
    save_postings(index.postings, folder)


def load_keyword(folder: Path) -> KeywordIndex:
    """What `save_keyword` wrote, mapped into memory: check its sums first. ValueError when it is damaged."""
    return KeywordIndex(load_postings(folder))
