"""Monthly cost of a recommendation's options over questions a day, and where another one becomes cheaper."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .running_cost import Running, break_even, cost_curve, monthly_cost
from .schema import Option, Recommendation
from .wording import option_name

MONTHS = 12  # over which building is spread
_POINTS_PER_DECADE = 40
_LEAST, _MOST = 10.0, 100_000.0  # questions a day that are drawn at least


@dataclass(frozen=True, slots=True, kw_only=True)
class CostCurve:
    option: Option
    running: Running
    usd_a_month: tuple[float, ...]  # at each volume of CostOverVolume


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """From `queries_per_day` on `above` is cheaper than `below`, at `usd_a_month` for both."""

    queries_per_day: float
    usd_a_month: float
    below: Option
    above: Option


@dataclass(frozen=True, slots=True, kw_only=True)
class CostOverVolume:
    queries_per_day: tuple[float, ...]
    curves: tuple[CostCurve, ...]
    crossings: tuple[Crossing, ...]  # of the best option with each other one
    asked: float | None  # the volume that the user named
    update_days: float | None

    def at(self, volume: float) -> tuple[float, ...]:
        """Dollars a month of each option."""
        return tuple(
            monthly_cost(curve.running, volume, update_days=self.update_days, months=MONTHS)
            for curve in self.curves
        )


def one_of_each(recommendation: Recommendation) -> tuple[Option, ...]:
    """The best option of each strategy that can work, best first."""
    first: dict[str, Option] = {}
    for option in recommendation.options:
        if option.rejected is None:
            first.setdefault(option.strategy, option)
    return tuple(first.values())


def cost_over_volume(recommendation: Recommendation) -> CostOverVolume | None:
    """None where fewer than two options have a price for each question. Building of unknown price counts as nothing;

    an update costs what building costs, since the documents are embedded, or the model trained, once more.
    """
    priced = [(option, run) for option in one_of_each(recommendation) if (run := _running(option))]
    if len(priced) < 2:
        return None
    needs = recommendation.needs
    volumes = _volumes(needs.queries_per_day)
    drawn = cost_curve([run for _, run in priced], volumes, update_days=needs.update_days, months=MONTHS)
    curves = tuple(
        CostCurve(option=option, running=run, usd_a_month=drawn[run.name]) for option, run in priced
    )
    crossings = (_crossing(curves[0], other, volumes, needs.update_days) for other in curves[1:])
    return CostOverVolume(
        queries_per_day=volumes,
        curves=curves,
        crossings=tuple(crossing for crossing in crossings if crossing is not None),
        asked=needs.queries_per_day,
        update_days=needs.update_days,
    )


def _running(option: Option) -> Running | None:
    cost = option.cost
    if cost is None or cost.per_1000_queries_usd is None:
        return None
    build = cost.build_usd or 0.0
    name = str(option_name(option))
    if cost.card_usd_per_day is not None and cost.queries_per_card_day:
        return Running(
            name=name,
            build_usd=build,
            usd_per_update=build,
            card_usd_per_day=cost.card_usd_per_day,
            queries_per_card_day=cost.queries_per_card_day,
        )
    each = cost.per_1000_queries_usd / 1000
    return Running(name=name, build_usd=build, usd_per_update=build, usd_per_query=each)


def _volumes(asked: float | None) -> tuple[float, ...]:
    """Questions a day in even steps of their logarithm, the user's own volume within them."""
    low, high = _LEAST, _MOST
    while asked and asked < low * 2:
        low /= 10
    while asked and asked > high / 2:
        high *= 10
    count = round(_POINTS_PER_DECADE * math.log10(high / low))
    return tuple(low * (high / low) ** (step / count) for step in range(count + 1))


def _crossing(
    best: CostCurve, other: CostCurve, volumes: tuple[float, ...], update_days: float | None
) -> Crossing | None:
    """Where the two change places, within what is drawn."""
    met = break_even(best.running, other.running, update_days=update_days, months=MONTHS)
    volume = met.queries_per_day
    if volume is None or not volumes[0] <= volume <= volumes[-1]:
        return None
    below, above = (best, other) if met.cheaper_below == best.running.name else (other, best)
    usd = monthly_cost(below.running, volume, update_days=update_days, months=MONTHS)
    return Crossing(queries_per_day=volume, usd_a_month=usd, below=below.option, above=above.option)
