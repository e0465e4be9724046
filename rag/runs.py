"""Two tables laid into one: which stretches of the kept rows and of the added ones follow one another (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedWriter
from typing import Any

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Stretches of rows from `firsts` up to, not including, `lasts`, of the added table where `added` says so."""

    added: NDArray[np.bool_]
    firsts: Places
    lasts: Places

    def lengths(self) -> Places:
        """How many rows each stretch has."""
        return self.lasts - self.firsts

    def starts(self) -> Places:
        """Where each stretch begins in the joined table."""
        lengths = self.lengths()
        starts: Places = np.cumsum(lengths) - lengths
        return starts

    def through(self, old: Places, added: Places) -> Runs:
        """The same stretches of a table whose rows belong to these: row `n` owns `starts[n]` to `starts[n + 1]`."""
        firsts, lasts = (
            np.where(self.added, added[np.where(self.added, ends, 0)], old[np.where(self.added, 0, ends)])
            for ends in (self.firsts, self.lasts)
        )
        return Runs(added=self.added, firsts=firsts, lasts=lasts)

    def shifts(self) -> Places:
        """What is added to the number of a row of each stretch when the tables are joined."""
        return self.starts() - self.firsts

    def moved(self, count: int, *, added: bool) -> NDArray[np.int32]:
        """For each of the `count` rows of one table its number in the joined one, -1 for a row that is left out."""
        found = np.full(count, -1, dtype=np.int32)
        for first, last, shift in self._of(added):
            found[first:last] = np.arange(first + shift, last + shift, dtype=np.int32)
        return found

    def join(self, old: NDArray[Any], added: NDArray[Any]) -> NDArray[Any]:
        """The rows of both tables in their new order."""
        return np.concatenate([old[:0], *self._slices(old, added)])

    def write(self, file: BufferedWriter, old: NDArray[Any], added: NDArray[Any]) -> None:
        """As `join`, into a file: a large table never lies in memory."""
        for rows in self._slices(old, added):
            if rows.size:
                file.write(np.ascontiguousarray(rows).view(np.uint8).data)

    def _slices(self, old: NDArray[Any], added: NDArray[Any]) -> Iterator[NDArray[Any]]:
        for is_added, first, last in zip(
            self.added.tolist(), self.firsts.tolist(), self.lasts.tolist(), strict=True
        ):
            yield (added if is_added else old)[first:last]

    def _of(self, added: bool) -> Iterable[tuple[int, int, int]]:
        chosen = self.added == added
        ranges = (self.firsts[chosen], self.lasts[chosen], self.shifts()[chosen])
        return zip(*(numbers.tolist() for numbers in ranges), strict=True)


def interleave(old_rows: int, left_out: Places, places: Places) -> Runs:
    """`old_rows` rows without those that are `left_out`, and before each old row the added ones whose place it is.

    `places` ascend, one for each added row, from 0 to `old_rows`.
    """
    kept = np.delete(np.arange(old_rows), left_out)
    beyond = old_rows + 1  # numbers of added rows: one apart, so that no stretch reaches from table to table
    numbers = np.concatenate([kept, beyond + np.arange(len(places))])
    order = np.argsort(np.concatenate([2 * kept + 1, 2 * places]), kind="stable")
    numbers = numbers[order]
    breaks = np.flatnonzero(np.diff(numbers) != 1) + 1
    firsts = numbers[np.concatenate([[0], breaks]).astype(np.int64)] if len(numbers) else numbers
    lasts = (
        numbers[np.concatenate([breaks, [len(numbers)]]).astype(np.int64) - 1] + 1
        if len(numbers)
        else numbers
    )
    added = firsts >= beyond
    return Runs(added=added, firsts=firsts - beyond * added, lasts=lasts - beyond * added)


def starts_of(ends: NDArray[Any]) -> Places:
    """Where rows begin that follow one another and end at `ends`; at the end, where the last one ends."""
    return np.concatenate([[0], ends]).astype(np.int64)
