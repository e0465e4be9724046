"""Which chunk holds which word how often: an inverted index in plain arrays, and the bytes that it is made from."""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.runs import Runs, starts_of

_BLOCK = 1 << 15  # chunks sorted at a time: bounds what a build takes beside its result
_MOST_COUNTED = np.iinfo(np.uint16).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Postings:
    """One row a word, in the order of its UTF-8 bytes; its chunks ascend. Arrays may be mapped from files."""

    letters: NDArray[np.uint8]  # all words, one after another
    word_ends: NDArray[np.int64]  # where each word ends in `letters`
    row_ends: NDArray[np.int64]  # where each word's row ends in `positions` and `counts`
    positions: NDArray[np.int32]  # of the chunks
    counts: NDArray[np.uint16]  # of the word in the chunk
    lengths: NDArray[np.int32]  # words of each chunk
    sequence: NDArray[np.int32]  # the rows of the words in the order of the chunks' text

    def number(self, word: str) -> int | None:
        """The row of a word, None for one that no chunk holds."""
        key, low, high = word.encode(), 0, len(self.word_ends)
        while low < high:  # bisection, so that opening need not read the words into a dictionary
            middle = (low + high) // 2
            if self._word(middle) < key:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self.word_ends) and self._word(low) == key else None

    def row(self, word: str) -> slice:
        """Where the chunks of a word stand; empty for a word that no chunk holds."""
        if (number := self.number(word)) is None:
            return slice(0, 0)
        return slice(int(self.row_ends[number - 1]) if number else 0, int(self.row_ends[number]))

    def words(self) -> list[bytes]:
        """All words as UTF-8, in the order of their rows."""
        letters, starts = self.letters.tobytes(), starts_of(self.word_ends).tolist()
        return [letters[start:end] for start, end in pairwise(starts)]

    def _word(self, number: int) -> bytes:
        start = self.word_ends[number - 1] if number else 0
        return self.letters[start : self.word_ends[number]].tobytes()


ARRAYS = {
    "letters": np.uint8, "word_ends": np.int64, "row_ends": np.int64,
    "positions": np.int32, "counts": np.uint16, "lengths": np.int32, "sequence": np.int32,
}  # fmt: skip


def encode_terms(terms: Sequence[str]) -> bytes:
    """The terms of one chunk as compact bytes. ValueError for a term with a line break, which no word holds."""
    joined = "\n".join(terms)
    if joined.count("\n") != max(len(terms) - 1, 0) or "" in terms:
        raise ValueError(f"Terms must be words without line breaks, not {list(terms)[:5]!r}.")
    return zlib.compress(joined.encode(), 1)


def decode_terms(data: bytes) -> list[str]:
    """What `encode_terms` was given. ValueError for other bytes."""
    try:
        joined = zlib.decompress(data).decode()
    except zlib.error as error:
        raise ValueError(
            f"{len(data)} bytes of terms are damaged ({error}); index the text again."
        ) from error
    return joined.split("\n") if joined else []


def collect_postings(chunks: Iterable[Sequence[str] | bytes]) -> Postings:
    """The inverted index over chunks given as terms or as encoded terms, in their order."""
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__  # a word never seen gets the next number
    source, blocks, lengths, sequence = iter(chunks), [], [], []
    while block := list(islice(source, _BLOCK)):
        terms = [decode_terms(chunk) if isinstance(chunk, bytes) else chunk for chunk in block]
        lengths.append(np.fromiter(map(len, terms), dtype=np.int32, count=len(terms)))
        held = np.fromiter(map(numbers.__getitem__, chain.from_iterable(terms)), dtype=np.int64)
        blocks.append(_count_block(held, lengths[-1]))
        sequence.append(held.astype(np.int32))
    none = np.zeros(0, np.int32)
    return _join_blocks(
        list(numbers), blocks, np.concatenate([none, *lengths]), np.concatenate([none, *sequence])
    )


def _count_block(words: NDArray[np.int64], lengths: NDArray[np.int32]) -> tuple[Any, Any, Any]:
    """(word, chunk of the block, count) of each pair that occurs, sorted by word, then chunk."""
    chunks = np.repeat(np.arange(len(lengths)), lengths)
    pairs = words * _BLOCK + chunks
    pairs.sort()
    first = np.flatnonzero(np.diff(pairs, prepend=-1))
    counts = np.diff(first, append=len(pairs))
    found = pairs[first]
    return (
        (found // _BLOCK).astype(np.int32),
        (found % _BLOCK).astype(np.int32),
        np.minimum(counts, _MOST_COUNTED).astype(np.uint16),
    )


def _join_blocks(
    words: list[str], blocks: list[tuple[Any, Any, Any]], lengths: Any, sequence: Any
) -> Postings:
    """Blocks are laid into the rows one after another, so that the chunks of each row ascend."""
    order = sorted(range(len(words)), key=words.__getitem__)  # code points sort as their UTF-8 bytes do
    rank = np.empty(len(words), dtype=np.int32)
    rank[order] = np.arange(len(words), dtype=np.int32)
    held = [np.bincount(rank[block[0]], minlength=len(words)) for block in blocks]
    row_ends = np.cumsum(sum(held, np.zeros(len(words), dtype=np.int64)))
    following = np.concatenate([[0], row_ends[:-1]]).astype(np.int64)[: len(words)]
    positions = np.empty(row_ends[-1] if len(words) else 0, dtype=np.int32)
    counts = np.empty(len(positions), dtype=np.uint16)
    for number, ((word, chunk, count), many) in enumerate(zip(blocks, held, strict=True)):
        # A block is sorted by the words' first numbers: each word's run starts where the runs before it end.
        run_lengths = np.bincount(word, minlength=len(words))
        run_starts = np.cumsum(run_lengths) - run_lengths
        places = (following[rank] - run_starts)[word] + np.arange(len(word))
        positions[places] = chunk + number * _BLOCK
        counts[places] = count
        following += many
    encoded = [words[number].encode() for number in order]
    return Postings(
        letters=np.frombuffer(b"".join(encoded), dtype=np.uint8),
        word_ends=np.cumsum([len(word) for word in encoded], dtype=np.int64),
        row_ends=row_ends,
        positions=positions,
        counts=counts,
        lengths=lengths,
        sequence=rank[sequence],
    )


def join_postings(old: Postings, added: Postings, chunks: Runs) -> Postings:
    """The postings of the chunks of both in the order of `chunks`, as `collect_postings` would make them."""
    moved = chunks.moved(len(old.lengths), added=False)
    positions = moved[old.positions]
    gone = np.flatnonzero(positions < 0)
    held = np.diff(old.row_ends, prepend=0)
    held -= np.bincount(np.searchsorted(old.row_ends, gone, side="right"), minlength=len(held))
    words, old_ranks, added_ranks = _join_words(old.words(), held > 0, added.words())
    kept, kept_lengths = np.delete(positions, gone), np.zeros(len(words), dtype=np.int64)
    kept_lengths[old_ranks[held > 0]] = held[held > 0]
    rows = np.repeat(added_ranks, np.diff(added.row_ends, prepend=0))
    news = chunks.moved(len(added.lengths), added=True)[added.positions]
    ends = np.cumsum(kept_lengths)
    places = _bisect(kept, (ends - kept_lengths)[rows], ends[rows], news) + np.arange(len(news))
    texts = chunks.through(*(starts_of(np.cumsum(part.lengths, dtype=np.int64)) for part in (old, added)))
    return Postings(
        letters=np.frombuffer(b"".join(words), dtype=np.uint8),
        word_ends=np.cumsum([len(word) for word in words], dtype=np.int64),
        row_ends=ends + np.cumsum(np.bincount(rows, minlength=len(words))),
        positions=_insert(kept, places, news),
        counts=_insert(np.delete(old.counts, gone), places, added.counts),
        lengths=chunks.join(old.lengths, added.lengths),
        sequence=texts.join(
            old_ranks.astype(np.int32)[old.sequence], added_ranks.astype(np.int32)[added.sequence]
        ),
    )


def _join_words(
    old: list[bytes], held: NDArray[np.bool_], added: list[bytes]
) -> tuple[list[bytes], NDArray[np.int64], NDArray[np.int64]]:
    """All words that are `held` or added, in order, and the rank of each old and each added one among them."""
    places = np.array([bisect_left(old, word) for word in added], dtype=np.int64)
    known = np.array(
        [place < len(old) and old[place] == word for place, word in zip(places.tolist(), added, strict=True)],
        dtype=bool,
    )
    kept = held.copy()
    kept[places[known]] = True
    fresh = places[~known]
    before = np.concatenate([[0], np.cumsum(kept)])  # kept words before each place
    old_ranks = before[:-1] + np.searchsorted(fresh, np.arange(len(old)), side="right")
    added_ranks = np.empty(len(added), dtype=np.int64)
    added_ranks[known] = old_ranks[places[known]]
    added_ranks[~known] = before[fresh] + np.arange(len(fresh))
    words = [old[number] for number in np.flatnonzero(kept).tolist()]
    words += [added[number] for number in np.flatnonzero(~known).tolist()]
    return sorted(words), old_ranks, added_ranks


def _bisect(
    values: NDArray[np.int32], low: NDArray[np.int64], high: NDArray[np.int64], wanted: NDArray[np.int32]
) -> NDArray[np.int64]:
    """For each wanted number its place between `low` and `high`, where the values ascend: all are sought at once."""
    low, high = low.copy(), high.copy()
    while len(between := np.flatnonzero(low < high)):
        middle = (low[between] + high[between]) // 2
        smaller = values[middle] < wanted[between]
        low[between[smaller]] = middle[smaller] + 1
        high[between[~smaller]] = middle[~smaller]
    return low


def _insert(kept: NDArray[Any], places: NDArray[np.int64], news: NDArray[Any]) -> NDArray[Any]:
    """Both together, the new ones at these places of the result."""
    found = np.empty(len(kept) + len(news), dtype=kept.dtype)
    rest = np.ones(len(found), dtype=bool)
    rest[places] = False
    found[places], found[rest] = news, kept
    return found


def save_postings(postings: Postings, folder: Path) -> None:
    """One .npy file an array."""
    for name in ARRAYS:
        np.save(folder / f"{name}.npy", getattr(postings, name), allow_pickle=False)


def load_postings(folder: Path) -> Postings:
    """The arrays, mapped. OSError for a missing file, ValueError for a damaged one."""
    found: dict[str, Any] = {}
    for name, kind in ARRAYS.items():
        try:
            mapped = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise ValueError(f"{folder / name}.npy is damaged ({error})") from error
        array = mapped.view(np.ndarray)  # slicing a memmap takes ten times as long as slicing its plain view
        if array.dtype != kind or array.ndim != 1:
            raise ValueError(f"{folder / name}.npy holds {array.dtype}{array.shape}, not {kind.__name__}")
        found[name] = array
    _check_ends(folder, found["word_ends"], len(found["letters"]))
    _check_ends(folder, found["row_ends"], len(found["positions"]))
    _check_ends(folder, np.cumsum(found["lengths"], dtype=np.int64), len(found["sequence"]))
    if len(found["word_ends"]) != len(found["row_ends"]) or len(found["positions"]) != len(found["counts"]):
        raise ValueError(f"{folder} is damaged: its arrays do not fit one another")
    return Postings(**found)


def _check_ends(folder: Path, ends: NDArray[np.int64], total: int) -> None:
    last = int(ends[-1]) if len(ends) else 0
    if last != total or (len(ends) and (ends[0] < 0 or (np.diff(ends) < 0).any())):
        raise ValueError(f"{folder} is damaged: rows end at {last} of {total}")
