"""Sections of the HTML report that carry a picture or a table: memory, cost, reasons in points, all options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape

from .cost_over_volume import MONTHS, CostOverVolume, cost_over_volume, one_of_each
from .limits import verdict
from .phrase import say
from .picture_cost import cost_picture, described, legend_of_lines
from .pictures import MemoryBar, legend, memory_picture, part_legend, token_picture, weight_picture
from .report_options import option_columns, rejected_groups
from .schema import MemoryEstimate, Option, Reason, Recommendation
from .wording import (
    FITS,
    capital,
    dollars,
    finding,
    limit_gib,
    option_name,
    rounded,
    runner_up,
    short_model,
    size,
)

Tell = Callable[[str], str]
_MOST_FACTORS = 10
_OTHER_BARS = 3
_TABLE_VOLUMES = (100.0, 1_000.0, 10_000.0)  # questions a day
TOKEN_COLOURS = {"prompt": "#2f5d9b", "retrieved": "#e69f00", "answer": "#009e73"}


def memory_section(found: Recommendation, tell: Tell) -> str:
    """Bars of the best option, then of what the other ways to train take, fitting or not."""
    bars = [*_bars(found, found.best, tell), *_other_bars(found, tell)]
    if not bars:
        return ""
    figure = memory_picture(bars, tell, key="memory") + part_legend(bars, tell)
    note = tell("The line beneath each bar is the interval in which the need is expected to lie.")
    return section(tell("Memory"), f"<figure>{figure}</figure>{note_line(note)}")


def _bars(found: Recommendation, option: Option, tell: Tell) -> list[MemoryBar]:
    """Training and answering, as far as each takes memory."""
    name = option_name(option)
    rows = (
        (say("{option}: training", option=name), option.train_memory),
        (say("{option}: answering", option=name), option.serve_memory),
    )
    return [
        _bar(found, short_model(option), capital(tell(label)), memory, tell)
        for label, memory in rows
        if memory is not None
    ]


def _bar(found: Recommendation, model: str, label: str, memory: MemoryEstimate, tell: Tell) -> MemoryBar:
    more = [model, f"{memory.device_gib:.1f} GiB ({memory.low_gib:.1f}–{memory.high_gib:.1f})"]
    limit = limit_gib(found, memory)
    if limit is not None:
        fits = FITS[verdict(memory, limit)]
        cards = len(found.hardware.gpus) if found.hardware and limit != limit_gib(found) else 1
        more.append(tell(fits if cards == 1 else say("{fits} on {cards} cards", fits=fits, cards=cards)))
    return MemoryBar(label=label, more=tuple(more), memory=memory, limit_gib=limit)


def _other_bars(found: Recommendation, tell: Tell) -> list[MemoryBar]:
    """Training by methods that the best option does not use, each once, in the order of the options."""
    seen, bars = {found.best.method, "none"}, []
    for option in found.options:
        if option.method not in seen and option.train_memory is not None:
            seen.add(option.method)
            bars.append(_bars(found, option, tell)[0])
    return bars[:_OTHER_BARS]


def cost_section(found: Recommendation, tell: Tell) -> str:
    """Dollars over volume where prices are known, else tokens of one question; nothing where neither is."""
    costs = cost_over_volume(found)
    if costs is not None:
        return section(tell("Cost against questions a day"), _costs(costs, tell))
    rows = [
        (capital(tell(option_name(option))), _tokens(option))
        for option in one_of_each(found)
        if option.cost is not None
    ]
    if not rows:
        return ""
    figure = token_picture(rows, TOKEN_COLOURS, tell, key="tokens")
    names = legend((tell(name), colour) for name, colour in TOKEN_COLOURS.items())
    note = tell(
        "No prices are known; what one question costs follows from its tokens. Give prices to see dollars."
    )
    return section(tell("Tokens of one question"), f"<figure>{figure}{names}</figure>{note_line(note)}")


def _tokens(option: Option) -> dict[str, int]:
    cost = option.cost
    if cost is None:
        return {}
    return {"prompt": cost.prompt_tokens, "retrieved": cost.retrieved_tokens, "answer": cost.answer_tokens}


def _costs(costs: CostOverVolume, tell: Tell) -> str:
    names = [capital(tell(option_name(curve.option))) for curve in costs.curves]
    volume = costs.asked or _TABLE_VOLUMES[1]
    told = (
        f"{tell(say('at {volume:,.0f} questions a day', volume=volume))}: {described(names, costs, volume)}"
    )
    figure = cost_picture(costs, tell, key="cost", told=told) + legend_of_lines(names)
    crossings = [
        say(
            "From about {volume:,.0f} questions a day on, {above} is cheaper than {below}.",
            volume=rounded(crossing.queries_per_day),
            above=option_name(crossing.above),
            below=option_name(crossing.below),
        )
        for crossing in costs.crossings
    ]
    steps = "".join(f"<li>{escape(tell(line))}</li>" for line in crossings)
    note = tell(
        say(
            "US dollars a month, building spread over {months} months; taking changed documents in costs as much "
            "as building.",
            months=MONTHS,
        )
    )
    return f"<figure>{figure}</figure><ol>{steps}</ol>{_cost_table(costs, names, tell)}{note_line(note)}"


def _cost_table(costs: CostOverVolume, names: Sequence[str], tell: Tell) -> str:
    volumes = sorted({*_TABLE_VOLUMES, *([costs.asked] if costs.asked else [])})
    volumes = [
        volume for volume in volumes if costs.queries_per_day[0] <= volume <= costs.queries_per_day[-1]
    ]
    titles = [tell("questions a day"), *(f"{volume:,.0f}" for volume in volumes)]
    columns = [costs.at(volume) for volume in volumes]
    rows = [
        [name, *(dollars(round(column[index], 2)) for column in columns)] for index, name in enumerate(names)
    ]
    return table(titles, rows, numbers=range(1, len(titles)))


def factor_section(found: Recommendation, tell: Tell) -> str:
    """Each reason's points for the best option and for the best one of another strategy."""
    best, other = found.best, runner_up(found)
    rows = _factors(best, other)
    if not rows:
        return ""
    most = max(abs(weight) for _, mine, theirs in rows for weight in (mine, theirs or 0.0)) or 1.0
    items = "".join(
        f"<li><p>{escape(tell(text))}</p>{weight_picture(mine, theirs, most, _heard(found, mine, theirs, tell))}</li>"
        for text, mine, theirs in rows
    )
    names = [(capital(tell(option_name(best))), "var(--accent)")]
    if other is not None:
        names.append((capital(tell(option_name(other))), "var(--other)"))
    note = tell(
        "Points right of the middle speak for an option, left of it against. 1 tips an otherwise even choice; 3 decide "
        "it unless something equally strong stands against it."
    )
    return section(
        tell("What the reasons weigh"), f'{legend(names)}<ul class="factors">{items}</ul>{note_line(note)}'
    )


def _factors(best: Option, other: Option | None) -> list[tuple[str, float, float | None]]:
    """Text, points of the best option, points of the other one (None without one); the heaviest first."""
    mine, theirs = _by_rule(best), _by_rule(other) if other else {}
    rows = []
    for rule in dict.fromkeys([*mine, *theirs]):
        text = finding(mine.get(rule) or theirs[rule])
        weights = [reasons[rule].weight if rule in reasons else 0.0 for reasons in (mine, theirs)]
        rows.append((text, weights[0], weights[1] if other else None))
    return sorted(rows, key=lambda row: -max(abs(row[1]), abs(row[2] or 0.0)))[:_MOST_FACTORS]


def _by_rule(option: Option) -> dict[str, Reason]:
    return {reason.rule: reason for reason in (*option.reasons, *option.against)}


def _heard(found: Recommendation, mine: float, theirs: float | None, tell: Tell) -> str:
    other = runner_up(found)
    said = f"{tell(option_name(found.best))}: {mine:+.1f}"
    return said if other is None else f"{said}; {tell(option_name(other))}: {theirs or 0.0:+.1f}"


def options_section(found: Recommendation, tell: Tell) -> str:
    """The table of what can work, then what cannot and why."""
    columns = [(title, cells) for title, cells in option_columns(found, tell) if any(cells)]
    titles = [title for title, _ in columns]
    rows = list(zip(*(cells for _, cells in columns), strict=True))
    numbers = [place for place, title in enumerate(titles) if title not in (tell("option"), "")]
    whole = table(titles, rows, numbers=numbers, chosen=0, style="stacked")
    note = note_line(tell("Train and answer: memory in GiB. Per 1,000: US dollars for 1,000 questions."))
    groups = rejected_groups(found)
    if not groups:
        return section(tell("All options"), whole + note)
    items = "".join(
        f"<li><strong>{escape(capital(tell(names)))}</strong><br>{escape(tell(why))}</li>"
        for why, names in groups.items()
    )
    rejected = f'<h3>{escape(tell("Rejected"))}</h3><ul class="plain">{items}</ul>'
    return section(tell("All options"), whole + note + rejected)


def table(
    titles: Iterable[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Iterable[int],
    chosen: int | None = None,
    style: str = "",
) -> str:
    """Rows become cards on a phone where `style` is "stacked"; then each cell names its column."""
    names, right = list(titles), set(numbers)
    head = "".join(
        f"<th{_number(place in right)}>{escape(capital(name))}</th>" for place, name in enumerate(names)
    )
    body = "".join(
        f"<tr{' class=chosen' if index == chosen else ''}>{''.join(_cells(row, names, right))}</tr>"
        for index, row in enumerate(rows)
    )
    return f'<table class="{style}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cells(row: Sequence[str], names: Sequence[str], right: set[int]) -> Iterator[str]:
    for place, cell in enumerate(row):
        label = f' data-label="{escape(capital(names[place]))}"' if names[place] else ""
        text = cell if place in right else capital(cell)
        yield f"<td{_number(place in right)}{label}>{escape(text)}</td>"


def _number(right: bool) -> str:
    return ' class="number"' if right else ""


def section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def note_line(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def memory_tile(memory: MemoryEstimate, limit: float | None, tell: Tell) -> tuple[str, str]:
    """The expected need and, smaller, its interval and the card."""
    more = f"{memory.low_gib:.1f}–{memory.high_gib:.1f}"
    if limit is not None:
        more = tell(say("{span} of {limit} GiB", span=more, limit=size(limit)))
    return f"{memory.device_gib:.1f} GiB", more
