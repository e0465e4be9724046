"""Finds the best spans of windows in a reader's logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from finetune.span_model import NEVER
from finetune.span_rows import Window


@dataclass(frozen=True, slots=True)
class Found:
    """A span of a passage's characters; `score`: its logits."""

    score: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Looked:
    """What one window holds: its best spans, and the logits of "no answer"."""

    null: float
    spans: tuple[Found, ...]


def looked(logits: torch.Tensor, windows: Sequence[Window], most_tokens: int, count: int) -> list[Looked]:
    """The `count` best spans of at most `most_tokens` tokens in each window; `logits` as EncoderSpans gives them."""
    begin, end = logits.float().unbind(-1)
    nulls = (begin[:, 0] + end[:, 0]).tolist()
    width = min(most_tokens, end.shape[1])
    padded = torch.nn.functional.pad(end, (0, width - 1), value=NEVER)
    both = begin.unsqueeze(-1) + padded.unfold(1, width, 1)  # rows x first token x further tokens
    both[:, 0] = 2 * NEVER  # which is no span
    best = both.flatten(1).topk(min(count, both[0].numel()))
    rows = zip(windows, nulls, best.values.tolist(), best.indices.tolist(), strict=True)
    return [
        Looked(
            null,
            tuple(
                Found(score, *window.characters(place // width, place // width + place % width))
                for score, place in zip(scores, places, strict=True)
                if score > NEVER / 2  # both its ends stand in the passage
            ),
        )
        for window, null, scores, places in rows
    ]


def best_of(windows: Sequence[Looked]) -> tuple[Found | None, float]:
    """Of a passage's windows the best span, and the least "no answer": the window with an answer says least of it."""
    found = [span for window in windows for span in window.spans]
    best = max(found, key=lambda span: span.score) if found else None
    return best, min(window.null for window in windows)
