"""Pictures of a report as SVG, made by hand: memory against the card, reasons for and against, tokens of a question.

Horizontal places are percentages and letters keep their size, so that one picture serves a phone and a wide screen.
Text for a narrow and for a wide screen carries the classes n and w, of which report_style.py shows one. All text is
escaped here.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from .memory_bar import part_name, shown_parts
from .setups import MemoryEstimate
from .wording import size

Tell = Callable[[str], str]

# Okabe and Ito's colours and lighter kin, told apart by people who see few colours; neighbours differ in lightness too.
PART_COLOURS = {
    "weights": "#2f5d9b", "embedder": "#8fb8de", "reranker": "#c6dbef", "adapters": "#e69f00", "gradients": "#cc79a7",
    "optimizer": "#d55e00", "kv_cache": "#56b4e9", "activations": "#009e73", "logits": "#8064a2",
    "workspace": "#b8b8a0", "context": "#6b7280", "reserved": "#c9ccd1",
}  # fmt: skip
_OTHER_COLOUR = "#a0a0a0"
_NARROW_PX, _WIDE_PX = 280, 700  # widths for which labels are chosen: a phone, and the page at its widest
_LETTER_PX, _WIDE_LETTER_PX = 6.6, 12.0  # of a Latin and of a Chinese character at 12 px
_BOLD = 1.2  # how much wider a label is than text of 12 px
_ARROW_PX = 16  # of the mark at the end of a bar that is cut
_MOST_TICKS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBar:
    """`label` stands above the bar, `more` (model, figures, whether it fits) below; the first of it goes first."""

    label: str
    more: tuple[str, ...]
    memory: MemoryEstimate
    limit_gib: float | None = None  # where the card, or all cards together, end


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One piece of a stacked bar; `name` and `figure` are written on it where there is room."""

    name: str
    size: float
    colour: str
    figure: str


def memory_picture(bars: Sequence[MemoryBar], tell: Tell, *, key: str) -> str:
    """Stacked bars in GiB with the interval beneath each and a line where the card ends. What is longer is cut."""
    span = _span_gib(bars)
    row, top, bottom = 82, 24, 20
    height = top + row * len(bars) + bottom
    drawn = [_axis(span, height - bottom, "GiB")]
    for index, item in enumerate(bars):
        y = top + row * index
        pieces = [
            Segment(name=tell(part_name(part)), size=gib, colour=part_colour(part), figure=f"{gib:.1f}")
            for part, gib in shown_parts(item.memory).items()
        ]
        drawn += [*_shortened(y + 14, item.label, "label"), *_narrowed(y + 30, item.more, "more")]
        drawn += [*_ruled(span, y + 36, y + 70), *_stack(pieces, span, y + 38)]
        drawn.append(_whisker(item.memory, span, y + 67))
    drawn += _limits(bars, span, [top + row * index for index in range(len(bars))], tell)
    told = "; ".join(f"{bar.label}: {bar.memory.device_gib:.1f} GiB" for bar in bars)
    return picture(key, tell("Memory"), told, height, drawn)


def token_picture(
    rows: Sequence[tuple[str, Mapping[str, int]]], colours: Mapping[str, str], tell: Tell, *, key: str
) -> str:
    """Tokens that one question costs, by option: what is sent, what is retrieved, what is answered."""
    span = 1.02 * max(sum(parts.values()) for _, parts in rows)
    row, top, bottom = 50, 4, 20
    height = top + row * len(rows) + bottom
    drawn = [_axis(span, height - bottom, "")]
    for index, (label, parts) in enumerate(rows):
        y = top + row * index
        drawn += [
            text_at(0, y + 14, label, "label"),
            text_at(100, y + 14, f"{sum(parts.values()):,}", "figure end"),
        ]
        pieces = [
            Segment(name=tell(part), size=size, colour=colours[part], figure=f"{size:,}")
            for part, size in parts.items()
        ]
        drawn += [*_ruled(span, y + 18, y + 46), *_stack(pieces, span, y + 20)]
    told = "; ".join(f"{label}: {sum(parts.values()):,}" for label, parts in rows)
    return picture(key, tell("Tokens of one question"), told, height, drawn)


def weight_picture(best: float, other: float | None, most: float, label: str) -> str:
    """One reason: points for the best option above, for the runner-up below; left of the middle speaks against it."""
    rows = [(best, "best", 4)] + ([(other, "other", 20)] if other is not None else [])
    drawn = ['<line class="axis" x1="50%" x2="50%" y1="0" y2="100%"/>']
    for weight, style, y in rows:
        width = 37 * abs(weight) / most  # leaves room for the number on either side
        x = 50 - width if weight < 0 else 50
        drawn.append(_rect(x, max(width, 0.4), y, 13, f"bar {style}"))
        side, anchor = (x - 1.5, "end") if weight < 0 else (x + width + 1.5, "")
        drawn.append(text_at(side, y + 11, f"{weight:+.1f}" if weight else "0", anchor))
    height = 38 if other is not None else 22
    return (
        f'<svg class="picture" width="100%" height="{height}" role="img" aria-label="{escape(label)}">'
        + "".join(drawn)
        + "</svg>"
    )


def legend(entries: Iterable[tuple[str, str]]) -> str:
    """Name and colour of each piece, as a list below a picture."""
    items = "".join(
        f'<li><span class="swatch" style="background:{escape(colour)}"></span>{escape(name)}</li>'
        for name, colour in entries
    )
    return f'<ul class="legend">{items}</ul>'


def part_legend(bars: Sequence[MemoryBar], tell: Tell) -> str:
    names = dict.fromkeys(part for item in bars for part in shown_parts(item.memory))
    return legend((tell(part_name(part)), part_colour(part)) for part in names)


def part_colour(part: str) -> str:
    return PART_COLOURS.get(part, _OTHER_COLOUR)


def ticks(span: float) -> tuple[float, ...]:
    """Round numbers from 0 to `span`, at most six steps."""
    rough = span / _MOST_TICKS
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    return tuple(step * count for count in range(int(span / step + 1e-9) + 1))


def text_px(text: str) -> float:
    """About how wide a text is at 12 px; East Asian characters take a square each."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return wide * _WIDE_LETTER_PX + (len(text) - wide) * _LETTER_PX


def _span_gib(bars: Sequence[MemoryBar]) -> float:
    """The first bar and all limits whole; a bar that needs much more is cut rather than that all others shrink."""
    first = bars[0].memory.high_gib
    most = max(item.memory.high_gib for item in bars)
    limit = max(item.limit_gib or 0.0 for item in bars)
    seen = max(first, 1.35 * limit) if limit else 3 * first
    return 1.03 * max(min(most, seen), limit)


def _stack(pieces: Iterable[Segment], span: float, y: int) -> Iterator[str]:
    """Pieces side by side, 24 px high; an arrow where they go beyond the picture."""
    start = 0.0
    for piece in pieces:
        end = start + piece.size
        left, right = 100 * start / span, min(100.0, 100 * end / span)
        if left < 100:
            title = f"<title>{escape(piece.name)}: {escape(piece.figure)}</title>"
            yield _rect(left, right - left, y, 24, "piece", fill=piece.colour, inside=title)
            yield from _written(piece, left, right, end > span, y + 16)
        start = end
    if start > span:
        yield f'<text class="cut" x="100%" y="{y + 18}" text-anchor="end">»</text>'


def _written(piece: Segment, left: float, right: float, cut: bool, y: int) -> Iterator[str]:
    """Name and figure, the figure alone, or nothing, as a narrow and a wide screen have room."""
    middle, ink = (left + right) / 2, _ink(piece.colour)
    for pixels, style in ((_NARROW_PX, "n"), (_WIDE_PX, "w")):
        room = (right - left) / 100 * pixels - (2 * _ARROW_PX if cut else 0)
        if text := _longest(piece, room):
            yield text_at(middle, y, text, f"on middle {style}", fill=ink)


def _longest(piece: Segment, room_px: float) -> str:
    for text in (f"{piece.name} {piece.figure}", piece.figure):
        if text_px(text) + 8 <= room_px:
            return text
    return ""


def _narrowed(y: int, texts: Sequence[str], style: str) -> Iterator[str]:
    """The texts in a line; on a narrow screen without the first ones where all have no room."""
    for pixels, screen in ((_NARROW_PX, "n"), (_WIDE_PX, "w")):
        kept = list(texts)
        while len(kept) > 1 and text_px(" · ".join(kept)) > pixels:
            kept.pop(0)
        yield text_at(0, y, " · ".join(kept), f"{style} {screen}")


def _shortened(y: int, text: str, style: str) -> Iterator[str]:
    """A bold line, on a narrow screen cut where it would stick out."""
    for pixels, screen in ((_NARROW_PX, "n"), (_WIDE_PX, "w")):
        shown = text
        while text_px(shown) * _BOLD > pixels:
            shown = shown[:-2].rstrip() + "…"
        yield text_at(0, y, shown, f"{style} {screen}")


def _whisker(memory: MemoryEstimate, span: float, y: int) -> str:
    if memory.low_gib >= span:
        return ""
    low, high = (min(100.0, 100 * gib / span) for gib in (memory.low_gib, memory.high_gib))
    ends = "".join(
        f'<line class="whisker" x1="{x:.2f}%" x2="{x:.2f}%" y1="{y - 4}" y2="{y + 4}"/>' for x in (low, high)
    )
    return f'<line class="whisker" x1="{low:.2f}%" x2="{high:.2f}%" y1="{y}" y2="{y}"/>{ends}'


def _limits(bars: Sequence[MemoryBar], span: float, rows: Sequence[int], tell: Tell) -> Iterator[str]:
    """A dashed line through each bar, and above the first what it means, on the side that has more room."""
    for item, y in zip(bars, rows, strict=True):
        if item.limit_gib is not None:
            x = 100 * item.limit_gib / span
            yield f'<line class="limit" x1="{x:.2f}%" x2="{x:.2f}%" y1="{y + 34}" y2="{y + 72}"/>'
    if bars[0].limit_gib is None:
        return
    x = 100 * bars[0].limit_gib / span
    yield f'<line class="limit" x1="{x:.2f}%" x2="{x:.2f}%" y1="2" y2="22"/>'
    label = f"{tell('end of the card')}: {size(bars[0].limit_gib)} GiB"
    yield text_at(x - 1, 14, label, "limit-label end") if x > 50 else text_at(x + 1, 14, label, "limit-label")


def _ruled(span: float, top: int, bottom: int) -> Iterator[str]:
    """Lines at round numbers, behind a bar alone, so that they cross no words."""
    for value in ticks(span):
        x = 100 * value / span
        yield f'<line class="grid" x1="{x:.2f}%" x2="{x:.2f}%" y1="{top}" y2="{bottom}"/>'


def _axis(span: float, y: int, unit: str) -> str:
    drawn = []
    for value in ticks(span):
        x = 100 * value / span
        anchor = "" if value == 0 else "end" if x > 97 else "middle"
        label = f"{value:,g} {unit}".strip() if value == 0 else f"{value:,g}"
        drawn.append(text_at(x, y + 13, label, f"tick {anchor}".strip()))
    return "".join(drawn)


def _rect(x: float, width: float, y: int, height: int, style: str, fill: str = "", inside: str = "") -> str:
    colour = f' fill="{fill}"' if fill else ""
    return (
        f'<rect class="{style}" x="{x:.2f}%" width="{width:.2f}%" y="{y}" height="{height}"{colour}>'
        f"{inside}</rect>"
    )


def text_at(x: float, y: int, text: str, style: str, fill: str = "") -> str:
    colour = f' style="fill:{fill}"' if fill else ""
    return f'<text class="{style}" x="{x:.2f}%" y="{y}"{colour}>{escape(text)}</text>'


def _ink(colour: str) -> str:
    """Black or white, whichever stands out more (WCAG relative luminance)."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "#000000"


def picture(key: str, title: str, told: str, height: int, drawn: Iterable[str]) -> str:
    names = f'<title id="{key}-title">{escape(title)}</title><desc id="{key}-desc">{escape(told)}</desc>'
    return (
        f'<svg class="picture" width="100%" height="{height}" role="img" '
        f'aria-labelledby="{key}-title {key}-desc">{names}{"".join(drawn)}</svg>'
    )
