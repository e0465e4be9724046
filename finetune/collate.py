"""Rows of tokens to one batch of tensors, padded on the right; the padding is never a target.

Padding costs as much as text: a batch of answers of unlike length is half of it. Where the model keeps rows apart, the
rows of a batch share sequences; what a step learns from is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from finetune.packing import snug
from finetune.template import IGNORED


@dataclass(frozen=True, slots=True)
class Collator:
    pad_token_id: int
    together: bool = False  # rows may share a sequence

    def __call__(self, rows: Sequence[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        """Rows with positions are packed ones: no mask may be given, or attention would cross from row to row."""
        if self.together and "position_ids" not in rows[0]:
            learned = [row for row in rows if any(label != IGNORED for label in row["labels"])]
            shared = snug(learned or rows)
            rows = shared if len(shared) < len(rows) else rows
        width = max(len(row["input_ids"]) for row in rows)
        gaps = [width - len(row["input_ids"]) for row in rows]
        batch = {
            "input_ids": [
                row["input_ids"] + [self.pad_token_id] * gap for row, gap in zip(rows, gaps, strict=True)
            ],
            "labels": [row["labels"] + [IGNORED] * gap for row, gap in zip(rows, gaps, strict=True)],
        }
        if "position_ids" in rows[0]:  # the padding is a row of its own
            batch["position_ids"] = [
                [*row["position_ids"], *range(gap)] for row, gap in zip(rows, gaps, strict=True)
            ]
        else:
            batch["attention_mask"] = [[1] * (width - gap) + [0] * gap for gap in gaps]
        return {name: torch.tensor(values) for name, values in batch.items()}
