"""Rewards that tests name as "sampled_rewards:function", sound ones and faulty ones."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]  # messages, answer


def letters(rows: list[Row]) -> list[float]:
    """Share of an answer's characters that are plain letters: sampling happens on it, and it can grow."""
    return [sum(c.isascii() and c.isalpha() for c in r["answer"]) / max(len(r["answer"]), 1) for r in rows]
