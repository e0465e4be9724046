"""The options of a recommendation as columns, as lines for a terminal, and grouped by why they are rejected."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .page import Page
from .phrase import say
from .schema import Option, Recommendation
from .wording import dollars, gib, joined, option_name, remark, time_span

Tell = Callable[[str], str]
_INDENT, _GAP = 2, 2  # cells


def option_columns(found: Recommendation, tell: Tell) -> list[tuple[str, list[str]]]:
    """Titles and cells of the options that can work: name, figures, and a remark under no title; some may be empty."""
    options = _working(found)
    costs = [option.cost.per_1000_queries_usd if option.cost else None for option in options]
    return [
        (tell("option"), [tell(option_name(option)) for option in options]),
        (tell("score"), [f"{option.score:+.1f}" for option in options]),
        (tell("train"), [gib(option.train_memory) for option in options]),
        (tell("answer"), [gib(option.serve_memory) for option in options]),
        (tell("build"), [tell(time_span(option.time)) if option.time else "" for option in options]),
        (tell("per 1,000"), ["" if usd is None else dollars(usd) for usd in costs]),
        ("", [tell(remark(option, found.best)) for option in options]),
    ]


def _working(found: Recommendation) -> list[Option]:
    return [option for option in found.options if option.rejected is None]


def rejected_groups(found: Recommendation) -> dict[str, str]:
    """Why -> the options that cannot work for this reason, in one line."""
    groups: dict[str, list[str]] = {}
    for option in found.options:
        if option.rejected is not None:
            groups.setdefault(option.rejected, []).append(option_name(option))
    return {why: joined(names) for why, names in groups.items()}


def rejected_lines(found: Recommendation) -> tuple[str, ...]:
    return tuple(
        say("{name}: {content}", name=names, content=why) for why, names in rejected_groups(found).items()
    )


def print_options(page: Page, found: Recommendation) -> None:
    """A table with each remark beneath its row; on a narrow terminal the figures stand beneath the name too."""
    *columns, (_, remarks) = option_columns(found, page.tell)
    columns = [(title, cells) for title, cells in columns if any(cells)]
    widths = [max(map(_cells, (title, *cells))) for title, cells in columns]
    wide = _INDENT + sum(widths) + _GAP * (len(widths) - 1) <= page.width
    page.head("All options (memory in GiB)")
    titles = [title for title, _ in columns]
    if wide:
        _row(page, titles, widths, "bright_black")
    for place, note in enumerate(remarks):
        row = [cells[place] for _, cells in columns]
        style = "bold" if _working(found)[place] is found.best else ""
        if wide:
            _row(page, row, widths, style)
        else:
            _stacked(page, row, titles, style)
        if note:
            page.line(note, indent=2 * _INDENT)


def _row(page: Page, cells: Sequence[str], widths: Sequence[int], style: str) -> None:
    """The first cell on the left of its column, figures on the right of theirs."""
    from rich.text import Text

    first = cells[0] + " " * (widths[0] - _cells(cells[0]))
    rest = [" " * (width - _cells(cell)) + cell for cell, width in zip(cells[1:], widths[1:], strict=True)]
    page.line(Text((" " * _GAP).join([first, *rest]).rstrip(), style=style), indent=_INDENT)


def _stacked(page: Page, cells: Sequence[str], titles: Sequence[str], style: str) -> None:
    from rich.text import Text

    page.line(Text(cells[0], style=style), indent=_INDENT)
    told = [f"{title} {cell}" for title, cell in zip(titles[1:], cells[1:], strict=True) if cell]
    page.line(" · ".join(told), indent=2 * _INDENT)


def _cells(text: str) -> int:
    """Cells of a terminal; Chinese characters take two."""
    from rich.cells import cell_len

    return cell_len(text)
