"""What fits on a card, by model and method, as text: a table where the terminal is wide enough, else a list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .limits import MOST_ROWS, FitRow
from .page import Page, blank_page
from .phrase import Language, Phrase, say
from .schema import Gpu
from .setup_words import card_name, setup_words, short_name
from .setups import Method, ModelSpec, TrainSetup
from .shape import count_parameters
from .wording import METHODS, listed

if TYPE_CHECKING:
    from rich.text import Text

_INDENT = 2
_BILLIONS_CELLS, _WINDOW_CELLS = 8, 9  # of a column with the space before and behind it
_SHORTEST_NAME = 22  # with less of a model's name, a list is better than a table
_Cells = dict[tuple[ModelSpec, str], "Text"]
_Methods = dict[Method, str]  # method -> its name in the report's language


def render_fits(
    rows: Sequence[FitRow],
    setups: Sequence[TrainSetup],
    card: Gpu,
    *,
    width: int | None = None,
    colour: bool = False,
    language: Language = "en",
    ascii_only: bool = False,
) -> str:
    """Lines of at most `width` cells, those of the terminal where None. `setups` are those of the methods."""
    page = blank_page(width=width, colour=colour, language=language, ascii_only=ascii_only)
    page.line(_bold(page.tell(_title(setups[0], card))))
    page.line(
        say(
            "Longest rows at batch size 1, in tokens · largest batch size at {tokens:,} tokens",
            tokens=setups[0].seq_len,
        )
    )
    page.console.print()
    models = list(dict.fromkeys(row.model for row in rows))
    cells: _Cells = {(row.model, row.method): _cell(page, row) for row in rows}
    methods = {setup.method: page.tell(METHODS.get(setup.method, setup.method)) for setup in setups}
    for line in _largest(rows, methods):
        page.line(line)
    page.console.print()
    _grid(page, models, methods, cells)
    page.console.print()
    _legend(page, rows, setups, methods)
    return page.text()


def size_b(model: ModelSpec) -> float:
    """Billions of parameters, counted where they are not stated."""
    return model.params_b or count_parameters(model).total / 1e9


def _title(setup: TrainSetup, card: Gpu) -> Phrase:
    if setup.gpus == 1:
        return say("What can be trained on {card}", card=card_name(card))
    return say(
        "What can be trained on {gpus} cards that share the work ({sharding}), each {card}",
        gpus=setup.gpus,
        sharding=setup.sharding,
        card=card_name(card),
    )


def _cell(page: Page, row: FitRow) -> Text:
    from rich.text import Text

    mark, style = page.symbol(row.fits)
    cell = Text.assemble((mark, f"bold {style}"))
    if row.needs_gib is None:
        return cell.append(f" {page.tell(say('not offered'))}", style="bright_black")
    if row.fits == "no":
        return cell.append(f" {page.tell(say('{gib:,.0f} GiB', gib=row.needs_gib))}", style="bright_black")
    sure = row.fits == "yes"
    tokens, batch = (row.longest_seq_len, row.largest_batch) if sure else (row.may_seq_len, row.may_batch)
    shown = [f"{number:,}" if number else "-" for number in (tokens, batch)]
    return cell.append(f" {' · '.join(shown)}{'+' if batch == MOST_ROWS else ''}")


def _largest(rows: Sequence[FitRow], methods: _Methods) -> Iterator[Phrase]:
    """The insight in a line for each method: the largest model that surely fits."""
    if len({row.model for row in rows}) == 1:
        return
    for method, name in methods.items():
        fitting = [row.model for row in rows if row.method == method and row.fits == "yes"]
        if fitting:
            model = max(fitting, key=size_b)
            yield say("Largest that fits surely, {method}: {model}", method=name, model=short_name(model))
        else:
            yield say("Largest that fits surely, {method}: none", method=name)


def _grid(page: Page, models: Sequence[ModelSpec], methods: _Methods, cells: _Cells) -> None:
    """A table where there is room for it, with shorter names and no windows where there is less, else a list."""
    from rich.cells import cell_len

    columns = _BILLIONS_CELLS + sum(
        max(cell_len(name), *(cells[model, method].cell_len for model in models)) + 2
        for method, name in methods.items()
    )
    for wide in (True, False):
        longest = max(len(_name(model, wide)) for model in models)
        room = (
            page.width - columns - (_WINDOW_CELLS if wide else 0) + 2
        )  # nothing stands behind the last column
        if room >= (longest if wide else min(longest, _SHORTEST_NAME)):
            _table(page, models, methods, cells, name_cells=min(longest, room), wide=wide)
            return
    _list(page, models, methods, cells)


def _name(model: ModelSpec, wide: bool) -> str:
    """Where room is short, what all chat models are called is left out."""
    name = short_name(model)
    return name if wide else re.sub("-(instruct|chat|it|hf)(?![a-z])", "", name, flags=re.IGNORECASE)


def _table(
    page: Page,
    models: Sequence[ModelSpec],
    methods: _Methods,
    cells: _Cells,
    *,
    name_cells: int,
    wide: bool,
) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    table.add_column(page.tell("model"), no_wrap=True, overflow="ellipsis", max_width=name_cells)
    table.add_column("B", justify="right", no_wrap=True)
    if wide:
        table.add_column(page.tell("window"), justify="right", no_wrap=True)
    for name in methods.values():
        table.add_column(name, no_wrap=True)
    for model in models:
        window = "" if model.context_tokens is None else f"{model.context_tokens:,}"
        found = [cells[model, method] for method in methods]
        table.add_row(_name(model, wide), _billions(model), *([window] if wide else []), *found)
    page.console.print(table)


def _list(page: Page, models: Sequence[ModelSpec], methods: _Methods, cells: _Cells) -> None:
    """A line for each model, and below it one for as many methods as there is room for."""
    from rich.text import Text

    room = {method: max(cells[model, method].cell_len for model in models) + 3 for method in methods}
    for model in models:
        page.line(_bold(f"{short_name(model)} ({_billions(model)} B)"))
        line = Text()
        for method, name in methods.items():
            entry = Text.assemble(f"{name} ", cells[model, method])
            if line and line.cell_len + entry.cell_len > page.width - _INDENT:
                page.line(line, indent=_INDENT)
                line = Text()
            line.append(entry).append(" " * (room[method] - cells[model, method].cell_len))
        page.line(line, indent=_INDENT)


def _billions(model: ModelSpec) -> str:
    size = size_b(model)
    return f"{size:.{0 if size >= 100 else 1 if size >= 1 else 2}f}"


def _legend(page: Page, rows: Sequence[FitRow], setups: Sequence[TrainSetup], methods: _Methods) -> None:
    from rich.text import Text

    said = {
        "yes": say("fits surely: the upper end of the estimate is within the card"),
        "tight": say("may fit: the estimate is within the card, its upper end is not"),
        "no": say("does not fit: batch size 1 takes up to so many GiB"),
    }
    for verdict, sentence in said.items():
        if any(row.fits == verdict for row in rows):
            mark, style = page.symbol(verdict)
            page.line(Text.assemble((mark, f"bold {style}"), f" {page.tell(sentence)}"), hanging=_INDENT)
    for method, why in {row.method: row.why_not for row in rows if row.why_not}.items():
        page.line(say("{name}: {content}", name=methods[method], content=why), hanging=_INDENT)
    words = {setup.method: setup_words(setup) for setup in setups}
    common = [word for word in words[setups[0].method] if all(word in other for other in words.values())]
    page.line(_faint(page.tell(listed(common))), hanging=_INDENT)
    for method, own in words.items():
        rest = [word for word in own if word not in common]
        if rest:
            page.line(
                _faint(page.tell(say("{name}: {content}", name=methods[method], content=listed(rest)))),
                hanging=_INDENT,
            )


def _bold(text: str) -> Text:
    from rich.text import Text

    return Text(text, style="bold")


def _faint(text: str) -> Text:
    from rich.text import Text

    return Text(text, style="bright_black")
