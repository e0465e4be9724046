"""What a step of an embedder learns from: an order of the rows in which no batch holds a passage as two answers, and
the texts of a batch, each once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import Sampler

from finetune.embed_loss import columns_of, never_negative, targets_of
from finetune.embed_rows import passages_of
from finetune.packing import Row


def apart(order: Sequence[int], positives: Sequence[int], size: int) -> list[int]:
    """The order changed as little as may be, so that no `size` rows in turn, from the first on, share a positive; the
    last ones may where nothing else is left."""
    waiting, found = deque(order), []
    while waiting:
        taken: set[int] = set()
        passed = []
        while waiting and len(taken) < size:
            row = waiting.popleft()
            if positives[row] in taken:
                passed.append(row)
            else:
                taken.add(positives[row])
                found.append(row)
        if len(taken) < size:  # nothing else is left
            return [*found, *passed]
        waiting.extendleft(reversed(passed))
    return found


class Apart(Sampler[int]):
    """A new order for each epoch. Not a RandomSampler: that accelerate would replace."""

    def __init__(self, rows: Sequence[Row], size: int, seed: int) -> None:
        self.positives = [row["key"][0] for row in rows]
        self.size = size
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.positives)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        order = torch.randperm(len(self), generator=generator).tolist()
        yield from apart(order, self.positives, self.size)
        self.set_epoch(self.epoch + 1)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch


@dataclass(frozen=True, slots=True)
class SearchCollator:
    """Rows to one batch: `input_ids` and `attention_mask` of all texts, first the questions, then the passages, each
    once; `targets` and `masked` as embed_loss.py wants them."""

    pad_token_id: int

    def __call__(self, rows: Sequence[Row]) -> dict[str, Any]:
        positives = [row["key"][0] for row in rows]
        columns = columns_of(positives, [row["key"][1:] for row in rows])
        texts: dict[int, list[int]] = {}
        for row in rows:
            texts |= passages_of(row)
        ids = [*(row["input_ids"] for row in rows), *(texts[key] for key in columns)]
        return {
            **padded(ids, self.pad_token_id),
            "targets": targets_of(positives, columns),
            "masked": never_negative(positives, [row["right"] for row in rows], columns),
        }


def padded(ids: Sequence[Sequence[int]], pad: int) -> dict[str, torch.Tensor]:
    width = max(map(len, ids))
    return {
        "input_ids": torch.tensor([[*row, *[pad] * (width - len(row))] for row in ids]),
        "attention_mask": torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in ids]),
    }


def like_long(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Places of texts in groups of like length, each of at most `budget` tokens with its padding, or of one text."""
    groups: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda at: (lengths[at], at)):
        if groups and lengths[place] * (len(groups[-1]) + 1) <= budget:
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups
