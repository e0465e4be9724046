"""A line of a page and its parts, with their place; what a text layer and OCR both give."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of a line between wide gaps: the cell of a table, the line of a column."""

    text: str
    left: float
    right: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a page in PDF points (y grows upwards), with its parts from left to right."""

    text: str
    left: float
    right: float
    bottom: float
    height: float
    size: float
    bold: bool = False
    parts: tuple[Part, ...] = ()

    @property
    def cells(self) -> int:
        return max(len(self.parts), 1)
