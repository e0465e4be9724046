"""A memory estimate as text for a terminal: bar, table of parts, verdict on the card, and what would make it fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .memory_answer import MemoryAnswer, lacks_bf16, over_window, within_what_is_kept
from .memory_bar import bar, legend, look, part_name
from .page import Page, blank_page
from .phrase import Language, Phrase, say
from .remedies import Remedy
from .setup_words import card_name, part_line, peak_line, setup_line, title
from .setups import ServeSetup
from .wording import listed

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_WIDEST_BAR, _MOST_CARDS = 72, 4
_INDENT = 2


def render_estimate(
    found: MemoryAnswer,
    *,
    width: int | None = None,
    colour: bool = False,
    language: Language = "en",
    ascii_only: bool = False,
) -> str:
    """Lines of at most `width` cells, those of the terminal where None; flags stay whole, to be copied."""
    page = blank_page(width=width, colour=colour, language=language, ascii_only=ascii_only)
    page.line(_bold(page.tell(title(found.model, found.setup))))
    page.line(setup_line(found.setup), indent=_INDENT)
    _verdict(page, found)
    _bar(page, found)
    _parts(page, found)
    _simulation(page, found)
    _notes(page, found)
    if found.card and found.fits == "yes":
        _room(page, found)
    elif found.card:
        _remedies(page, found)
    return page.text()


def _verdict(page: Page, found: MemoryAnswer) -> None:
    from rich.text import Text

    page.console.print()
    if found.fits is None:
        page.line(_bold(page.tell(_sentence(found))))
        return
    mark, style = page.symbol(found.fits)
    page.line(Text(f"{mark} {page.tell(_sentence(found))}", style=f"bold {style}"), hanging=_INDENT)


def _sentence(found: MemoryAnswer) -> Phrase:
    memory, card = found.memory, found.card
    values: dict[str, Any] = {"device": memory.device_gib, "low": memory.low_gib, "high": memory.high_gib}
    if card is None or found.fits is None:
        return say("About {device:.1f} GiB on the card ({low:.1f} to {high:.1f}).", **values)
    values["card"] = card_name(card)
    if found.fits == "yes":
        values["spare"] = card.vram_gib - memory.high_gib
        return say(
            "Fits surely on {card}: about {device:.1f} GiB, up to {high:.1f}, which leaves {spare:.1f}.",
            **values,
        )
    values["over"] = (memory.high_gib if found.fits == "tight" else memory.device_gib) - card.vram_gib
    if found.fits == "tight":
        return say(
            "May fit on {card}: about {device:.1f} GiB, but up to {high:.1f}, which is {over:.1f} too much.",
            **values,
        )
    return say(
        "Does not fit on {card}: about {device:.1f} GiB ({low:.1f} to {high:.1f}), which is {over:.1f} too much.",
        **values,
    )


def _bar(page: Page, found: MemoryAnswer) -> None:
    from rich.padding import Padding

    limit = found.card.vram_gib if found.card else None
    span = max(found.memory.high_gib, limit or 0.0)
    cells = max(10, min(page.width - 2 * _INDENT - 1, _WIDEST_BAR))
    drawn = bar(found.memory, cells=cells, span_gib=span, limit_gib=limit, ascii_only=page.ascii_only)
    marks = legend(
        [found.memory],
        width=page.width - 2 * _INDENT,
        language=page.language,
        ascii_only=page.ascii_only,
        limit=limit is not None,
    )
    page.console.print()
    for picture in (drawn, marks):
        page.console.print(Padding(picture, (0, 0, 0, _INDENT)))


def _parts(page: Page, found: MemoryAnswer) -> None:
    from rich.table import Table
    from rich.text import Text

    memory, tell = found.memory, page.tell
    table = Table(box=None, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column(tell("part"), no_wrap=True)
    table.add_column("GiB", justify="right", no_wrap=True)
    table.add_column(tell("what it is"), overflow="fold")
    own = {name: gib for name, gib in memory.parts.items() if name != "context" and gib > 0}

    def part(name: str, gib: float) -> None:
        style, mark = look(name, ascii_only=page.ascii_only)
        label = Text.assemble((mark, style), f" {part_name(name, page.language)}")
        table.add_row(label, _gib(gib), tell(part_line(name, found.model, found.setup)))

    for name, gib in own.items():
        part(name, gib)
    _total(
        table,
        tell("allocated"),
        memory.allocated_gib,
        tell(say("all tensors: torch.cuda.max_memory_allocated")),
    )
    part("reserved", memory.reserved_gib - memory.allocated_gib)
    _total(table, tell("reserved"), memory.reserved_gib, tell(say("what PyTorch took: max_memory_reserved")))
    part("context", memory.parts.get("context", 0.0))
    _total(table, tell("device"), memory.device_gib, tell(say("what nvidia-smi shows")))
    page.console.print()
    page.console.print(table)
    page.console.print()


def _total(table: Table, name: str, gib: float, line: str) -> None:
    from rich.text import Text

    table.add_row(_bold(f"  {name}"), _bold(_gib(gib)), Text(line))


def _simulation(page: Page, found: MemoryAnswer) -> None:
    """Both figures side by side; tensors alone, since fake ones have no allocator and no card."""
    from rich.padding import Padding
    from rich.table import Table

    seen, tell = found.simulation, page.tell
    if seen is None:
        return
    formula = found.memory.allocated_gib
    page.line(_bold(tell(say("Tensors at the peak, GiB"))))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    for column in (say("formula"), say("simulated"), say("difference")):
        table.add_column(tell(column), justify="right", no_wrap=True)
    table.add_row(f"{formula:.2f}", f"{seen.allocated_gib:.2f}", f"{formula / seen.allocated_gib - 1:+.1%}")
    page.console.print(Padding(table, (0, 0, 0, _INDENT)))
    run, layers = " + ".join(map(str, seen.layers_run)), seen.layers
    sentence = say(
        "One training step of the real model code on fake tensors, all {layers} layers.", layers=layers
    )
    if len(seen.layers_run) > 1:
        sentence = say(
            "One training step of the real model code on fake tensors, {run} layers; the rest of {layers} by a line.",
            run=run,
            layers=layers,
        )
    page.line(sentence, indent=_INDENT)
    page.console.print()


def _notes(page: Page, found: MemoryAnswer) -> None:
    page.line(peak_line(found.memory))
    window = over_window(found.model, found.setup)
    if window is not None:
        page.line(say("This is longer than the model's window of {window:,} tokens.", window=window))
    kept = within_what_is_kept(found)
    if kept is not None and found.card is not None:
        page.line(
            say(
                "Cards sold with {vram:g} GiB let programs use {least:.1f} to {most:.1f}: name yours with --gpu.",
                vram=found.card.vram_gib,
                least=kept[0],
                most=kept[1],
            )
        )
    if lacks_bf16(found):
        page.line(say("This card has no bf16; fp16 takes as much memory, and needs a loss scale."))
    if found.card is None:
        page.line(
            say("No card was found here: name one with --vram 24 or --gpu 'RTX 4090' to have it judged.")
        )
    if found.fits != "yes":
        page.line(_enough(found))
    page.line(say("1 GiB = 2^30 bytes = 1.074 GB."))


def _enough(found: MemoryAnswer) -> Phrase:
    cards = found.sufficient
    if not cards:
        return say("No catalogued card is large enough for it alone.")
    names = [card.name for card in cards[:_MOST_CARDS]]
    return say(
        "The smallest catalogued cards on which it fits surely have {vram:g} GiB: {cards}.",
        vram=cards[0].vram_gib,
        cards=listed([*names, "…"] if len(cards) > _MOST_CARDS else names),
    )


def _room(page: Page, found: MemoryAnswer) -> None:
    values = {"tokens": found.room_tokens, "rows": found.room_rows}
    page.head(say("The most that fits surely"))
    if isinstance(found.setup, ServeSetup):
        sentence = say("{rows:,} requests of this length at once, or requests of {tokens:,} tokens", **values)
    else:
        sentence = say(
            "batch size {rows:,} at this length, or rows of {tokens:,} tokens at this batch size",
            **values,
        )
    page.line(sentence, indent=_INDENT)


def _remedies(page: Page, found: MemoryAnswer) -> None:
    sure = any(remedy.fits == "yes" for remedy in found.remedies)
    if not found.remedies:
        page.head(say("Nothing tried here makes it fit: a smaller model, or more and larger cards, would."))
        return
    title = say("What would make it fit, best first") if sure else say("What might make it fit, best first")
    page.head(title)
    for remedy in found.remedies:
        _remedy(page, remedy)


def _remedy(page: Page, remedy: Remedy) -> None:
    from rich.text import Text

    mark, style = page.symbol(remedy.fits)
    memory = remedy.memory
    sentence = say(
        "{change} (about {device:.1f} GiB, up to {high:.1f})",
        change=remedy.text,
        device=memory.device_gib,
        high=memory.high_gib,
    )
    text = Text.assemble((mark, f"bold {style}"), f" {page.tell(sentence)}")
    page.line(text, indent=_INDENT, hanging=2)
    flags = Text(f"{' ' * (_INDENT + 2)}{flags_of(remedy)}", style="cyan")
    page.console.print(flags, no_wrap=True, overflow="ignore", crop=False)


def flags_of(remedy: Remedy) -> str:
    """The changes as flags of `advisor estimate`."""
    return " ".join(
        f"--{'' if value is not False else 'no-'}{name.replace('_', '-')}"
        + ("" if isinstance(value, bool) else f" {value}")
        for name, value in remedy.changed.items()
    )


def _gib(gib: float) -> str:
    return f"{gib:.2f}" if gib >= 0.005 else "<0.01"


def _bold(text: str) -> Text:
    from rich.text import Text

    return Text(text, style="bold")
