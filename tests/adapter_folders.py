"""Folders that pass for finished adapters where nothing is loaded."""

from __future__ import annotations

from pathlib import Path

from finetune.adapters import write_card
from finetune.schema import AdapterCard


def make_adapter(folder: Path, words: str) -> Path:
    """A folder as training leaves it, with `words` for weights."""
    folder.mkdir(parents=True)
    (folder / "weights.txt").write_text(words, "utf-8")
    card = AdapterCard(
        base_model="m", base_hash="", method="lora", objective="sft", trainable_params=1, total_params=2, rows=3,
        data_hash=words, metrics_before={}, metrics_after={}, config={}, libraries={}, created="",
    )  # fmt: skip
    write_card(card, folder)
    return folder
