"""Rows for a search in a small world, and an encoder small enough to learn them in seconds."""

from __future__ import annotations

from pathlib import Path

from tiny_families import build

from finetune import Example

ROOMS = {
    "sun": "attic", "tea": "pantry", "stove": "kitchen", "snow": "yard", "ice": "cellar", "frost": "barn",
    "mill": "valley", "bread": "bakery", "salt": "harbour", "lamp": "tower", "rope": "dock", "clock": "hall",
}  # fmt: skip


def pairs() -> list[Example]:
    """Twelve questions, each with its passage and one that only looks like it."""
    return [
        Example(
            question=f"Where is the {thing}?",
            positives=(f"The {thing} stands in the {room}.",),
            negatives=(f"The {thing} was sold last year.",),
            line=line,
        )
        for line, (thing, room) in enumerate(ROOMS.items(), start=1)
    ]


def tiny_encoder(folder: Path) -> Path:
    return build(folder, "bert")
