"""Rewards that tests name as "sampled_rewards:function", sound ones and faulty ones."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]  # messages, answer


def letters(rows: list[Row]) -> list[float]:
    """Share of an answer's characters that are plain letters: sampling happens on it, and it can grow."""
    return [sum(c.isascii() and c.isalpha() for c in r["answer"]) / max(len(r["answer"]), 1) for r in rows]


def of_question(rows: list[Row]) -> list[float]:
    return [float(row["messages"][-1]["content"] == "Which?") for row in rows]


def too_few(rows: list[Row]) -> list[float]:
    return [0.0] * (len(rows) - 1)


def no_number(rows: list[Row]) -> list[float]:
    return [0.0, float("nan")]


def words(rows: list[Row]) -> str:
    return "good"


def broken(rows: list[Row]) -> list[float]:
    raise KeyError("grade")
