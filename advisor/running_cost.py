"""What options cost over months, and from how many questions a day on another one is cheaper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

DAYS_A_MONTH = 365.25 / 12
_MOST_CARDS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One option over time. Cards are paid for around the clock, in whole numbers; an API's price is per question.

    `usd_per_update` is what it costs to take changed documents in: embed them anew, or train again.
    """

    name: str
    build_usd: float = 0.0
    usd_per_update: float = 0.0
    usd_per_query: float = 0.0
    card_usd_per_day: float = 0.0
    queries_per_card_day: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """Up to `queries_per_day` the one is cheaper, beyond it the other; None where one is cheaper at every volume."""

    queries_per_day: float | None
    cheaper_below: str
    cheaper_above: str


def monthly_cost(
    option: Running, queries_per_day: float, *, update_days: float | None = None, months: float = 12
) -> float:
    """Dollars a month: building spread over `months`, updates every `update_days`, cards and questions."""
    if not (math.isfinite(queries_per_day) and queries_per_day >= 0):
        raise ValueError(f"queries_per_day is {queries_per_day:g}; give 0 or more.")
    cards = max(1, math.ceil(queries_per_day / option.queries_per_card_day))
    fixed, each = _line(option, cards, update_days, months)
    return fixed + each * queries_per_day


def break_even(a: Running, b: Running, *, update_days: float | None = None, months: float = 12) -> BreakEven:
    """The first volume at which the cheaper of two options changes.

    Both costs are straight lines between two volumes at which either needs one card more, so that each crossing is
    found exactly; the first 256 cards are looked at.
    """
    cheaper, other, low = None, a, 0.0
    for high in _edges(a, b):
        middle = (low + high) / 2 if math.isfinite(high) else low + 1.0
        lines = [
            _line(option, max(1, math.ceil(middle / option.queries_per_card_day)), update_days, months)
            for option in (a, b)
        ]
        fixed, each = lines[0][0] - lines[1][0], lines[0][1] - lines[1][1]
        here = a if fixed + each * low < 0 or (fixed + each * low == 0 and each < 0) else b
        if cheaper is None:
            cheaper, other = here, b if here is a else a
        elif here is not cheaper:  # a step: one more card is needed just here
            return BreakEven(queries_per_day=low, cheaper_below=cheaper.name, cheaper_above=other.name)
        crossing = -fixed / each if each else math.inf
        if low < crossing < high:
            return BreakEven(queries_per_day=crossing, cheaper_below=cheaper.name, cheaper_above=other.name)
        low = high
    name = cheaper.name if cheaper is not None else a.name
    return BreakEven(queries_per_day=None, cheaper_below=name, cheaper_above=name)


def _line(option: Running, cards: int, update_days: float | None, months: float) -> tuple[float, float]:
    """Dollars a month that do not depend on the volume, and those for each question a day."""
    if update_days is not None and not update_days > 0:
        raise ValueError(f"update_days is {update_days:g}; give a number of days above 0.")
    if not months > 0:
        raise ValueError(f"months is {months:g}; give a number above 0.")
    updates = DAYS_A_MONTH / update_days if update_days else 0.0
    fixed = option.build_usd / months + updates * option.usd_per_update
    return fixed + DAYS_A_MONTH * cards * option.card_usd_per_day, DAYS_A_MONTH * option.usd_per_query


def _edges(a: Running, b: Running) -> list[float]:
    """The volumes at which one of the two needs another card, in order, and infinity."""
    steps = {
        cards * option.queries_per_card_day
        for option in (a, b)
        if option.card_usd_per_day and math.isfinite(option.queries_per_card_day)
        for cards in range(1, _MOST_CARDS + 1)
    }
    ends = [
        _MOST_CARDS * option.queries_per_card_day
        for option in (a, b)
        if option.card_usd_per_day and math.isfinite(option.queries_per_card_day)
    ]
    return sorted(step for step in steps if step <= min(ends)) if ends else [math.inf]


def break_even_by_updates(
    a: Running, b: Running, update_days: Sequence[float], *, months: float = 12
) -> tuple[tuple[float, BreakEven], ...]:
    """The break-even for each frequency of updates."""
    return tuple((days, break_even(a, b, update_days=days, months=months)) for days in update_days)


def cost_curve(
    options: Sequence[Running],
    queries_per_day: Sequence[float],
    *,
    update_days: float | None = None,
    months: float = 12,
) -> dict[str, tuple[float, ...]]:
    """Dollars a month by option, at each of the volumes: what the picture of costs draws."""
    return {
        option.name: tuple(
            monthly_cost(option, queries, update_days=update_days, months=months)
            for queries in queries_per_day
        )
        for option in options
    }
