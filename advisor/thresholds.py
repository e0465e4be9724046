"""From which number on the answer is another one, found by trying numbers and halving the interval between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from .case import Case
from .hardware import hardware_with_vram
from .probes import asked
from .ranking import Standing, standings

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Turn(Generic[Outcome]):
    """The number at which the outcome changes, and what it changes to."""

    value: float
    outcome: Outcome


def first_turn(
    outcome: Callable[[float], Outcome],
    grid: Sequence[float],
    same: Callable[[Outcome], bool],
    resolution: float = 1.0,
) -> Turn[Outcome] | None:
    """Walks along `grid` from numbers where the outcome is the `same` and narrows down where it ceases to be.

    The number that comes back is the one nearest to the start, in steps of `resolution`, with another outcome. A grid
    that begins with another outcome is followed until the outcome is the same, so that a turn is always one away
    from today's answer.
    """
    reached = False
    before = grid[0] if grid else 0.0
    for value in grid:
        found = outcome(value)
        if same(found):
            reached = True
        elif reached:
            return _narrowed(outcome, before, value, same, resolution)
        before = value
    return None


def _narrowed(
    outcome: Callable[[float], Outcome],
    inside: float,
    outside: float,
    same: Callable[[Outcome], bool],
    resolution: float,
) -> Turn[Outcome]:
    while abs(outside - inside) > resolution * 1.0001:
        steps = abs(outside - inside) / resolution
        middle = inside + math.copysign(resolution * max(1, math.floor(steps / 2)), outside - inside)
        if same(outcome(middle)):
            inside = middle
        else:
            outside = middle
    return Turn(outside, outcome(outside))


def leader_with(case: Case, key: str) -> Callable[[float], Standing]:
    """The best way where the answer to `key` were a number; each number is tried once."""
    known: dict[float, Standing] = {}
    whole = key not in ("update_days", "queries_per_day")

    def leader(value: float) -> Standing:
        if value not in known:
            known[value] = standings(asked(case, key, int(value) if whole else value))[0]
        return known[value]

    return leader


def standings_with_card(case: Case) -> Callable[[float], list[Standing]]:
    """The order of the ways on a card of another size; the number of cards stays."""
    known: dict[float, list[Standing]] = {}
    count = max(1, len(case.hardware.gpus) if case.hardware else 1)

    def order(vram_gib: float) -> list[Standing]:
        if vram_gib not in known:
            hardware = hardware_with_vram(vram_gib, case.hardware, count=count)
            known[vram_gib] = standings(replace(case, hardware=hardware))
        return known[vram_gib]

    return order
