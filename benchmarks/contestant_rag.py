"""This program in the comparison, with its defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rag import Index, build_index


def build(folder: Path, target: Path, model: Path, settings: dict[str, Any]) -> Index:
    """A folder to a searchable index that is kept on disk. `model` is the folder of the same weights."""
    return build_index(folder, target)


def ranked_files(state: Index, question: str, depth: int) -> list[str]:
    """Sources of the best `depth` chunks, best first."""
    return [hit.chunk.source for hit in state.search(question, k=depth)]


def update(state: Index, folder: Path) -> None:
    state.update(folder)
