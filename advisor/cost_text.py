"""A comparison of costs as text: each way to adapt, and the volumes from which another one is cheaper."""

from __future__ import annotations

from .cost_comparison import CostComparison, CostRow, Turning
from .page import Page, blank_page
from .phrase import Language, Phrase, say
from .running_cost import BreakEven
from .wording import HOSTED, STRATEGIES, dollars, rounded, time_span

_TABLE_CELLS = 100  # a table needs so many; a list is better with less
_INDENT = 2


def render_costs(
    found: CostComparison, *, width: int | None = None, colour: bool = False, language: Language = "en"
) -> str:
    """Lines of at most `width` cells, those of the terminal where None."""
    page = blank_page(width=width, colour=colour, language=language)
    page.line(_title(found))
    if not found.rows:
        page.line(say("Nothing can be compared: name a card or give prices per token."))
    elif page.width >= _TABLE_CELLS:
        _table(page, found)
    else:
        _list(page, found)
    for turning in found.turnings:
        _turning(page, turning)
    _assumptions(page, found)
    return page.text()


def _title(found: CostComparison) -> Phrase:
    return say(
        "What {model} costs at {queries:,.0f} questions a day",
        model=found.model.name.split("/")[-1],
        queries=found.wishes.queries_per_day,
    )


def name_of(row: CostRow) -> Phrase:
    """For example 'retrieval (RAG), rented card'."""
    return say("{option}, {where}", option=STRATEGIES[row.strategy], where=HOSTED[row.cost.hosted])


def _table(page: Page, found: CostComparison) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    heads = (
        "option",
        "tokens read",
        "written",
        "s of a card",
        "1,000 questions",
        "to build",
        "an update",
        "a month",
    )
    for head in heads:
        table.add_column(page.tell(head), justify="left" if head == "option" else "right", overflow="fold")
    for row in found.rows:
        cells: list[str] = [
            name_of(row),
            f"{row.tokens.prompt + row.tokens.retrieved:,}",
            f"{row.tokens.answer:,}",
            _card_seconds(row),
            _usd(row.cost.per_1000_queries_usd),
            _usd(row.cost.build_usd if row.running is None else row.running.build_usd),
            _usd(row.usd_per_update),
            _usd(row.usd_a_month),
        ]
        table.add_row(*(page.tell(cell) for cell in cells))
    page.console.print()
    page.console.print(table)


def _list(page: Page, found: CostComparison) -> None:
    for row in found.rows:
        page.head(name_of(row))
        page.line(
            say(
                "{read:,} tokens read, {written:,} written; 1,000 questions: {each}; a month: {month}",
                read=row.tokens.prompt + row.tokens.retrieved,
                written=row.tokens.answer,
                each=_usd(row.cost.per_1000_queries_usd),
                month=_usd(row.usd_a_month),
            ),
            indent=_INDENT,
        )
        if row.build is not None:
            page.line(
                say(
                    "to build: {usd}, {span}; an update: {update}",
                    usd=_usd(row.running.build_usd if row.running else None),
                    span=time_span(row.build),
                    update=_usd(row.usd_per_update),
                ),
                indent=_INDENT,
            )


def _turning(page: Page, turning: Turning) -> None:
    """One line now, one for how often the documents change where that makes a difference."""
    page.console.print()
    cheapest, other = turning.cheapest, turning.other
    page.line(_crossing(cheapest, other, turning.found), hanging=_INDENT)
    volumes = [each.queries_per_day for _, each in turning.by_updates]
    if len({volume and rounded(volume) for volume in volumes}) > 1:
        for days, each in turning.by_updates:
            page.line(
                _when(days, _crossing(cheapest, other, each)),
                indent=_INDENT,
                hanging=_INDENT,
            )


def _when(days: float, what: Phrase) -> Phrase:
    if days == 1:
        return say("documents change every day: {what}", what=what)
    return say("documents change every {days:g} days: {what}", days=days, what=what)


def _crossing(cheapest: CostRow, other: CostRow, found: BreakEven) -> Phrase:
    assert cheapest.running is not None
    below, above = (cheapest, other) if found.cheaper_below == cheapest.running.name else (other, cheapest)
    if found.queries_per_day is None:
        return say("{cheaper} is cheaper at every volume", cheaper=name_of(below))
    return say(
        "{above} is cheaper than {below} from {queries:,.0f} questions a day on",
        above=name_of(above),
        below=name_of(below),
        queries=rounded(found.queries_per_day),
    )


def _assumptions(page: Page, found: CostComparison) -> None:
    wishes = found.wishes
    page.console.print()
    said: list[str] = [
        say("building is spread over {months:g} months", months=wishes.months),
        say(
            "an update embeds {share:.0%} of the documents again; without retrieval it is a training run",
            share=wishes.changed_share,
        ),
        say("what every question shares is read once and kept"),
    ]
    for row in found.rows:
        timed = 0 if row.cost.hosted == "api" else 1  # the seconds stand in the table
        said += [*row.cost.assumptions[timed:], *(row.build.assumptions if row.build else ())]
    for each in dict.fromkeys(said):
        page.line(say("- {text}", text=each), hanging=_INDENT)


def _usd(usd: float | None) -> str:
    return "?" if usd is None else "<$0.01" if 0 < usd < 0.005 else dollars(usd)


def _card_seconds(row: CostRow) -> str:
    each = row.cost.queries_per_card_day
    return "" if each is None else f"{24 * 3600 / each:.2f}"
