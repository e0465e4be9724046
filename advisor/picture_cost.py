"""The picture of cost against questions a day: a line for each option, both axes logarithmic, as SVG made by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from .cost_over_volume import CostOverVolume
from .pictures import picture, text_at

Tell = Callable[[str], str]

DASHES = ("", "9 5", "3 4", "12 4 3 4", "16 6", "2 2")  # lines are told apart without colour too
_HEIGHT, _TOP, _BOTTOM = 340, 44, 44
_LEFT = 9.0  # percent, for the dollars beside the axis
_UNITS = 1000  # of the inner drawing, which is stretched to the width of the page
_LEAST_USD = 0.01
_RING_PX, _RING_PERCENT = 19, 7.0  # room of a ring; across on a phone


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axes:
    low_x: float
    high_x: float
    low_y: float
    high_y: float

    def x(self, volume: float) -> float:
        """Share from the left, 0 to 1."""
        return math.log(volume / self.low_x) / math.log(self.high_x / self.low_x)

    def x_percent(self, volume: float) -> float:
        return _LEFT + (100 - _LEFT) * self.x(volume)

    def y(self, usd: float) -> float:
        """Share from the bottom, 0 to 1."""
        usd = max(usd, self.low_y)
        return math.log(usd / self.low_y) / math.log(self.high_y / self.low_y)

    def y_px(self, usd: float) -> float:
        return _TOP + (1 - self.y(usd)) * (_HEIGHT - _TOP - _BOTTOM)


def cost_picture(costs: CostOverVolume, tell: Tell, *, key: str, told: str) -> str:
    """Dollars a month by option; rings where another one becomes cheaper, a dashed line at the user's volume."""
    axes = _axes(costs)
    drawn = [*_grid(axes), *_titles(tell), *_asked(costs, axes, tell)]
    place = f'x="{_LEFT}%" y="{_TOP}" width="{100 - _LEFT}%" height="{_HEIGHT - _TOP - _BOTTOM}"'
    lines = (
        _line(costs.queries_per_day, curve.usd_a_month, axes, index)
        for index, curve in enumerate(costs.curves)
    )
    drawn.append(
        f'<svg {place} viewBox="0 0 {_UNITS} {_UNITS}" preserveAspectRatio="none">{"".join(lines)}</svg>'
    )
    drawn += _rings([(axes.x_percent(c.queries_per_day), axes.y_px(c.usd_a_month)) for c in costs.crossings])
    return picture(key, tell("Cost against questions a day"), told, _HEIGHT, drawn)


def _rings(places: Sequence[tuple[float, float]]) -> Iterator[str]:
    """Numbered rings; one that would cover another is moved up, and a line leads to its place."""
    taken: list[tuple[float, float]] = []
    for number, (x, y) in enumerate(places, start=1):
        top = y
        while any(abs(x - other) < _RING_PERCENT and abs(top - height) < _RING_PX for other, height in taken):
            top -= _RING_PX
        taken.append((x, top))
        if top != y:
            yield f'<line class="axis" x1="{x:.2f}%" x2="{x:.2f}%" y1="{top:.1f}" y2="{y:.1f}"/>'
        yield f'<circle class="ring" cx="{x:.2f}%" cy="{top:.1f}" r="8"/>'
        yield text_at(x, round(top + 4), str(number), "ring-number middle")


def line_sample(index: int) -> str:
    """The beginning of a line for the legend."""
    return (
        '<svg class="sample" width="34" height="10" aria-hidden="true">'
        f'<line x1="0" x2="34" y1="5" y2="5" class="line-{index % len(DASHES)}" stroke-width="3"'
        f' stroke-dasharray="{DASHES[index % len(DASHES)]}"/></svg>'
    )


def _axes(costs: CostOverVolume) -> _Axes:
    values = [max(usd, _LEAST_USD) for curve in costs.curves for usd in curve.usd_a_month]
    low, high = 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)))
    return _Axes(
        low_x=costs.queries_per_day[0],
        high_x=costs.queries_per_day[-1],
        low_y=low,
        high_y=max(high, low * 10),
    )


def _line(volumes: Sequence[float], usd: Sequence[float], axes: _Axes, index: int) -> str:
    points = " ".join(
        f"{axes.x(volume) * _UNITS:.0f},{(1 - axes.y(value)) * _UNITS:.0f}"
        for volume, value in zip(volumes, usd, strict=True)
    )
    return (
        f'<polyline fill="none" class="line-{index % len(DASHES)}" stroke-width="3" '
        f'stroke-dasharray="{DASHES[index % len(DASHES)]}" vector-effect="non-scaling-stroke" points="{points}"/>'
    )


def _grid(axes: _Axes) -> Iterator[str]:
    """Powers of ten: volumes along the bottom, dollars on their lines."""
    for usd in _powers(axes.low_y, axes.high_y):
        y = axes.y_px(usd)
        yield f'<line class="grid" x1="{_LEFT}%" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield text_at(_LEFT - 1, round(y + 4), f"${short(usd)}", "tick end")
    for volume in _powers(axes.low_x, axes.high_x):
        x = axes.x_percent(volume)
        yield f'<line class="grid" x1="{x:.2f}%" x2="{x:.2f}%" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
        anchor = "end" if x > 97 else "middle"
        yield text_at(x, _HEIGHT - _BOTTOM + 16, short(volume), f"tick {anchor}")


def _titles(tell: Tell) -> Iterator[str]:
    yield text_at(0, 12, tell("US dollars a month"), "more")
    yield text_at(100, _HEIGHT - 6, tell("questions a day"), "more end")


def _asked(costs: CostOverVolume, axes: _Axes, tell: Tell) -> Iterator[str]:
    if not costs.asked:
        return
    x = axes.x_percent(costs.asked)
    yield f'<line class="volume" x1="{x:.2f}%" x2="{x:.2f}%" y1="24" y2="{_HEIGHT - _BOTTOM}"/>'
    side, style = (x - 1, "volume-label end") if x > 50 else (x + 1, "volume-label")
    yield text_at(side, 34, f"{tell('your volume')}: {costs.asked:,.0f}", style)


def _powers(low: float, high: float) -> list[float]:
    first, last = round(math.log10(low)), round(math.log10(high))
    return [10.0**power for power in range(first, last + 1)]


def short(number: float) -> str:
    """1k, 20M: for an axis."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"


def described(names: Sequence[str], costs: CostOverVolume, volume: float) -> str:
    """What the picture shows, for those who hear it."""
    amounts = costs.at(volume)
    return "; ".join(f"{name}: ${usd:,.0f}" for name, usd in zip(names, amounts, strict=True))


def legend_of_lines(names: Sequence[str]) -> str:
    items = "".join(f"<li>{line_sample(index)}{escape(name)}</li>" for index, name in enumerate(names))
    return f'<ul class="legend">{items}</ul>'
