"""Draws a memory estimate as one stacked bar for a terminal, with the end of the card and the interval marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .phrase import Language, spoken
from .setups import MemoryEstimate

if TYPE_CHECKING:
    from rich.text import Text

# part -> (colour, block, the same where a terminal has ASCII alone): never told apart by colour only
_LOOKS = {
    "weights": ("blue", "█", "#"),
    "adapters": ("cyan", "▓", "A"),
    "gradients": ("magenta", "▒", "g"),
    "optimizer": ("yellow", "░", "o"),
    "activations": ("green", "▞", "a"),
    "logits": ("red", "▚", "l"),
    "workspace": ("bright_black", "▛", "w"),
    "kv_cache": ("bright_green", "▙", "k"),
    "embedder": ("bright_cyan", "=", "e"),
    "reranker": ("bright_magenta", "≡", "r"),
    "context": ("white", "▪", "c"),
    "reserved": ("bright_black", "○", "+"),
}
_NAMES = {"kv_cache": "KV cache", "context": "CUDA context", "reserved": "allocator gaps"}
_UNKNOWN_LOOK = ("bright_white", "▫", "?")
_SMALLEST_SHARE = 0.005  # of the whole: below, a part is not seen in a picture
LIMIT, UNSURE = "|", "·"
_UNSURE_ASCII = "."
ALL_MARKS = "".join(block for _, block, _ in (*_LOOKS.values(), _UNKNOWN_LOOK)) + UNSURE


def bar(
    memory: MemoryEstimate,
    *,
    cells: int,
    span_gib: float,
    limit_gib: float | None = None,
    ascii_only: bool = False,
) -> Text:
    """`cells` + 1 characters that stand for 0 to `span_gib`: the parts, then dots up to the upper end of the interval.

    A bar across the row, `|`, is where a card of `limit_gib` ends, within the parts where they exceed it.
    """
    from rich.text import Text

    def upto(gib: float) -> int:
        return max(0, min(cells, round(gib / span_gib * cells))) if span_gib > 0 else 0

    drawn, filled, shown = Text(), 0.0, shown_parts(memory)
    for part, gib in shown_parts(memory, whole=True).items():
        filled += gib
        if part not in shown:
            continue  # what is too small for the legend adds to its neighbour
        style, mark = look(part, ascii_only=ascii_only)
        drawn.append(mark * (upto(filled) - len(drawn)), style=style)
    unsure = _UNSURE_ASCII if ascii_only else UNSURE
    drawn.append(unsure * (upto(memory.high_gib) - len(drawn)), style="bright_black")
    drawn.append(" " * (cells + 1 - len(drawn)))
    if limit_gib is None or limit_gib > span_gib:
        return drawn
    place = upto(limit_gib)
    return Text.assemble(drawn[:place], (LIMIT, "bold red"), drawn[place + 1 :])


def legend(
    memories: list[MemoryEstimate],
    *,
    width: int,
    language: Language = "en",
    ascii_only: bool = False,
    limit: bool = False,
) -> Text:
    """Which mark is which part, for one or several bars; `limit` explains the end of the card too."""
    from rich.text import Text

    names = dict.fromkeys(part for memory in memories for part in shown_parts(memory))
    entries = [(*look(part, ascii_only=ascii_only), part_name(part, language)) for part in names]
    unsure = _UNSURE_ASCII if ascii_only else UNSURE
    entries.append(("bright_black", unsure, spoken("up to the upper end", language)))
    if limit:
        entries.append(("bold red", LIMIT, spoken("end of the card", language)))
    text, column = Text(), 0
    for style, mark, name in entries:
        entry = Text.assemble((mark, style), f" {name}")
        column += entry.cell_len + 3
        if column - 3 > width:  # a mark stays beside its name where the legend is wrapped
            text.append("\n")
            column = entry.cell_len + 3
        elif text:
            text.append("   ")
        text.append(entry)
    return text


def shown_parts(memory: MemoryEstimate, *, whole: bool = False) -> dict[str, float]:
    """Parts that can be seen, GiB, with what the allocator reserves beyond them; `whole` = the tiny ones too."""
    parts = {**memory.parts, "reserved": memory.reserved_gib - memory.allocated_gib}
    least = 0.0 if whole else _SMALLEST_SHARE * memory.device_gib
    return {name: gib for name, gib in parts.items() if gib > least}


def part_name(part: str, language: Language = "en") -> str:
    """As people say it: 'KV cache' for kv_cache."""
    return spoken(_NAMES.get(part, part.replace("_", " ")), language)


def look(part: str, *, ascii_only: bool = False) -> tuple[str, str]:
    """Colour and mark of a part."""
    style, block, plain = _LOOKS.get(part, _UNKNOWN_LOOK)
    return style, plain if ascii_only else block
