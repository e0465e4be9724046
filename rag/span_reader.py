"""Reads a question beside passages with a trained span reader: where in each its answer stands, and how surely.

Each token of a passage gets two logits, of being the answer's first and its last. The model's first token stands for
"no answer": a span counts by how far its two logits exceed those of that token, less the threshold at which the model
did best on what it had not learned from. So 0 is the line between an answer and none.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.batches import make_batches, physical_cores
from rag.encoders import minilm_session, read_tokenizer
from rag.meaning import UNREADABLE_SHARE
from rag.tuned import TOKENIZER, read_card, read_tuned
from rag.weights import minilm_folder

MAX_TOKENS, STRIDE = 384, 128  # of a window, and how many of them two windows share: as in training
MAX_ANSWER_TOKENS = 30  # SQuAD's longest answers; a reader of longer ones says so
_KEPT_READINGS = 256
_BATCH_TOKENS = 1024
_NEVER = -1e4

Logits = Callable[[Any, Any], Any]  # ids and segments, shape (n, tokens) -> shape (n, tokens, 2)


@dataclass(frozen=True, slots=True)
class AnswerSpan:
    """`text[start:end]` of the passage; `score` is above 0 where the reader holds it for an answer."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """A passage beside a question: for each token, in order, the best span that begins there; shape (tokens,)."""

    begins: Any  # characters
    ends: Any
    scores: Any

    def best(self, start: int = 0, end: int | None = None) -> AnswerSpan | None:
        """The best span that begins in these characters; None where no token does."""
        first = int(np.searchsorted(self.begins, start))
        last = len(self.begins) if end is None else int(np.searchsorted(self.begins, end))
        if first >= last:
            return None
        place = first + int(np.argmax(self.scores[first:last]))
        return AnswerSpan(int(self.begins[place]), int(self.ends[place]), float(self.scores[place]))


@dataclass(frozen=True, slots=True)
class _Window:
    """What the model reads at once: the question and tokens `first` to `last` of the passage at this place."""

    place: int
    first: int
    last: int
    ids: Sequence[int]


class SpanReader:
    """One set of weights, loaded when a question is first read. Many threads may share it.

    The passages that were read last are kept with their question.
    """

    def __init__(
        self,
        load: Callable[[], Logits],
        tokenizer: Any,
        *,
        name: str = "reader",
        threshold: float = 0.0,
        max_answer_tokens: int = MAX_ANSWER_TOKENS,
        max_tokens: int = MAX_TOKENS,
        stride: int = STRIDE,
        threads: int | None = None,
    ) -> None:
        self.name = name
        self._threshold = threshold
        self._load, self._tokenizer = load, tokenizer
        self._loaded: Logits | None = None
        self._max_answer, self._max_tokens, self._stride = max_answer_tokens, max_tokens, stride
        self._threads = threads or physical_cores()
        self._special = [tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]", "[UNK]")]
        self._kept: OrderedDict[tuple[str, str], Reading] = OrderedDict()
        self._lock = threading.Lock()

    def reads(self, question: str) -> bool:
        """Whether its vocabulary knows the question's words."""
        ids = self._tokenizer.encode(question, add_special_tokens=False).ids
        return bool(ids) and ids.count(self._special[2]) / len(ids) <= UNREADABLE_SHARE

    def spans(self, question: str, passages: Sequence[str]) -> list[Reading]:
        """Every passage beside the question; one that is too long for the model is read by overlapping windows."""
        with self._lock:
            known = {text: self._kept.get((question, text)) for text in passages}
        new = [text for text, reading in known.items() if reading is None]
        found = {text: reading for text, reading in known.items() if reading is not None}
        found.update(zip(new, self._read(question, new), strict=True))
        with self._lock:
            for text in known:
                self._kept[question, text] = found[text]
                self._kept.move_to_end((question, text))
            while len(self._kept) > _KEPT_READINGS:
                self._kept.popitem(last=False)
        return [found[text] for text in passages]

    def _read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        asked = self._tokenizer.encode(question, add_special_tokens=False).ids[: self._max_tokens // 3]
        encoded = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        windows = [
            window
            for place, one in enumerate(encoded)
            if one.ids
            for window in self._windows(asked, place, one.ids)
        ]
        logits = self._run(windows, len(asked) + 2)
        readings = []
        for place, one in enumerate(encoded):
            mine = [(w, found) for w, found in zip(windows, logits, strict=True) if w.place == place]
            readings.append(self._merged(one.offsets, mine, len(asked) + 2))
        return readings

    def _windows(self, asked: Sequence[int], place: int, ids: Sequence[int]) -> list[_Window]:
        opens, parts, _ = self._special
        room = self._max_tokens - len(asked) - 3
        step = max(room - self._stride, 1)
        firsts = range(0, max(len(ids) - self._stride, 1), step) if len(ids) > room else range(1)
        return [
            _Window(
                place,
                first,
                min(first + room, len(ids)),
                [opens, *asked, parts, *ids[first : first + room], parts],
            )
            for first in firsts
        ]

    def _run(self, windows: Sequence[_Window], lead: int) -> list[Any]:
        """Logits of each window; windows of one length share a batch, and batches run at once."""
        logits = self._model()
        batches = make_batches([len(window.ids) for window in windows], _BATCH_TOKENS, pads=False)

        def run(batch: list[int]) -> Any:
            ids = np.array([windows[place].ids for place in batch])
            segments = np.zeros_like(ids)
            segments[:, lead:] = 1
            return logits(ids, segments)

        with ThreadPoolExecutor(min(self._threads, max(len(batches), 1))) as pool:
            results = list(pool.map(run, batches))
        found: list[Any] = [None] * len(windows)
        for batch, result in zip(batches, results, strict=True):
            for place, one in zip(batch, result, strict=True):
                found[place] = one
        return found

    def _model(self) -> Logits:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _merged(
        self, offsets: Sequence[tuple[int, int]], windows: Sequence[tuple[_Window, Any]], lead: int
    ) -> Reading:
        """The best over the windows; where one of them finds no answer it speaks for its own part only."""
        count = len(offsets)
        scores, lasts = np.full(count, _NEVER), np.arange(count)
        null = min((float(logits[0].sum()) for _, logits in windows), default=0.0)
        for window, logits in windows:
            width = window.last - window.first
            starts, ends = logits[lead : lead + width, 0], logits[lead : lead + width, 1]
            best, best_end = _best_ends(ends, self._max_answer)
            total = starts + best
            better = np.flatnonzero(total > scores[window.first : window.last])
            scores[window.first + better] = total[better]
            lasts[window.first + better] = window.first + best_end[better]
        spans = np.array(offsets, dtype=int).reshape(-1, 2)
        return Reading(
            spans[:, 0], spans[lasts, 1] if count else spans[:, 1], scores - null - self._threshold
        )


def open_span_reader(
    folder: Path,
    *,
    int8: bool = True,
    threads: int | None = None,
) -> SpanReader:
    """The reader that training left in a folder, with the longest answer and the threshold that its card names.

    The weights are checked and loaded when it first reads.
    """
    card = read_card(folder, "span_qa")
    own = (folder / TOKENIZER).is_file()  # else its base's

    def load() -> Logits:
        tuned = read_tuned(folder, "span_qa")
        weight, bias = tuned.head
        states = minilm_session(tuned.weights, int8=int8)
        return lambda ids, segments: states(ids, segments) @ weight.T + bias

    return SpanReader(
        load,
        read_tokenizer(folder if own else minilm_folder()),
        name=folder.name,
        max_answer_tokens=card.get("config", {}).get("answer_tokens") or MAX_ANSWER_TOKENS,
        threshold=float(card.get("metrics_after", {}).get("null_threshold", 0.0)),
        threads=threads,
    )


def _best_ends(ends: Any, most: int) -> tuple[Any, Any]:
    """For each token the greatest end logit of the `most` tokens from it on, and whose it is."""
    padded = np.concatenate([ends, np.full(most - 1, _NEVER, dtype=ends.dtype)])
    ahead = np.lib.stride_tricks.sliding_window_view(padded, most)
    far = ahead.argmax(axis=1)
    return ahead[np.arange(len(ends)), far], np.arange(len(ends)) + far
