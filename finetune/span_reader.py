"""Finds answers in passages with a reader that was trained here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from finetune.adapter_weights import check_complete, config_of, with_head
from finetune.adapters import check_base, check_tokenizer, is_whole, read_card
from finetune.encoder import load_encoder
from finetune.schema import AdapterCard
from finetune.span_collate import collator_for
from finetune.span_model import EncoderSpans
from finetune.span_rows import Window, load_tokenizer, longest, longest_answer, windows_of
from finetune.span_search import Found, Looked, looked
from finetune.weights import resolve_model

BATCH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanAnswer:
    """A span of a passage; `score`: how far its logits stand above "no answer" in that passage."""

    text: str
    passage: int  # its place among those that were given, from 0
    start: int  # characters of the passage
    end: int
    score: float


class SpanReader:
    """A loaded reader; `threshold`: the score above which it answers, the best on its held-out rows."""

    def __init__(self, *, model: Any, tokenizer: Any, length: int, card: AdapterCard) -> None:
        self.card = card
        self.threshold = float(card.metrics_after.get("null_threshold", 0.0))
        self._model = model
        self._tokenizer = tokenizer
        self._length = length
        self._collate = collator_for(tokenizer, model.config)
        self._most = longest_answer(config_of(card))

    def read(
        self, question: str, contexts: Sequence[str], *, n_best: int = 1, threshold: float | None = None
    ) -> list[SpanAnswer]:
        """The best answers of all passages together, the best first; empty where none is above the threshold."""
        if not question.strip():
            raise ValueError("The question is empty; there is nothing to look for.")
        limit = self.threshold if threshold is None else threshold
        found = [
            _answer(text, at, span, score)
            for at, (text, spans) in enumerate(
                zip(contexts, self._read(question, contexts, n_best), strict=True)
            )
            for span, score in spans
            if score > limit
        ]
        return sorted(found, key=lambda one: -one.score)[:n_best]

    def _read(self, question: str, contexts: Sequence[str], count: int) -> list[list[tuple[Found, float]]]:
        """Of each passage the best spans, with their scores."""
        divided = windows_of([(question, text) for text in contexts], self._length, self._tokenizer)
        windows = [window for some, _ in divided for window in some]
        seen = iter(self._looked(windows, count))
        found = []
        for some, _ in divided:
            parts = [next(seen) for _ in some]
            null = min(part.null for part in parts)
            best: dict[tuple[int, int], tuple[Found, float]] = {}  # windows overlap
            for span in sorted((span for part in parts for span in part.spans), key=lambda span: -span.score):
                best.setdefault((span.start, span.end), (span, span.score - null))
            found.append(list(best.values())[:count])
        return found

    def _looked(self, windows: Sequence[Window], count: int) -> list[Looked]:
        order = sorted(range(len(windows)), key=lambda at: -len(windows[at].input_ids))  # little filling
        found: dict[int, Looked] = {}
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            some = [windows[at] for at in places]
            batch = {name: part.to(self._model.device) for name, part in self._collate.windows(some).items()}
            with torch.inference_mode():
                logits = self._model(**batch).logits
            found.update(zip(places, looked(logits, some, self._most, count), strict=True))
        return [found[at] for at in range(len(windows))]


def _answer(passage: str, at: int, span: Found, score: float) -> SpanAnswer:
    """Without the spaces that some tokenizers count to a word."""
    text = passage[span.start : span.end]
    start = span.start + len(text) - len(text.lstrip())
    return SpanAnswer(text=text.strip(), passage=at, start=start, end=start + len(text.strip()), score=score)


def load_span_reader(model: str, adapter: str | Path, *, device: str | None = None) -> SpanReader:
    """The encoder `model` with a reader trained on it. Raises ValueError for other weights or another objective."""
    card, folder = read_card(adapter), Path(adapter)
    if card.objective != "span_qa":
        raise ValueError(
            f"'{adapter}' was trained with the objective '{card.objective}'; it marks no answers."
        )
    base = resolve_model(model)
    check_base(card, base)
    check_tokenizer(adapter, base)
    check_complete(folder)
    target = device or ("cuda" if torch.cuda.is_available() else "cpu")
    loaded = load_reader_model(base, folder, card).to(target).eval()
    length = longest(config_of(card), base)
    return SpanReader(model=loaded, tokenizer=load_tokenizer(folder, ()), length=length, card=card)


def load_reader_model(base: Path, folder: Path, card: AdapterCard) -> Any:
    """The encoder with what was trained on it, in fp32, or a whole one with its head beside it."""
    encoder = load_encoder(folder if is_whole(card) else base, dtype=torch.float32)
    return with_head(EncoderSpans(encoder), folder, card)
