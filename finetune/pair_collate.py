"""Rows of two token sequences to one batch: first all first sides, then all others, as one pass of the model takes
them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from finetune.collate import Collator
from finetune.packing import Row

FACTS = ("reference", "liked")  # of a row, beside its tokens


@dataclass(frozen=True, slots=True)
class PairCollator:
    pad_token_id: int
    other: str  # what the second side is called in a row: "rejected", "mismatched"

    def __call__(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        first = [{"input_ids": row["input_ids"], "labels": row["labels"]} for row in rows]
        second = [
            {"input_ids": row[f"{self.other}_input_ids"], "labels": row[f"{self.other}_labels"]}
            for row in rows
        ]
        batch = Collator(self.pad_token_id)([*first, *second])
        facts: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in FACTS if name in rows[0]}
        return batch | {name: torch.tensor(values) for name, values in facts.items()}
