"""What can be wrong with one row, so that the others can still be read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row that cannot be used: its line (in a sheet its row, in a folder its number), and why."""

    line: int
    reason: str
    key: str = "bad_rows"  # the finding it belongs to


class EmptyAnswer(ValueError):
    """A row that is whole but for its answer."""
