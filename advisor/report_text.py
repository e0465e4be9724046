"""A recommendation as text for a terminal, in colour or without, English or Chinese."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .memory_bar import bar, legend
from .phrase import Language
from .questions import QUESTIONS
from .report_facts import data_lines, hardware_line
from .report_sources import arguments_against, arguments_for, outcomes, sources
from .schema import MemoryEstimate, Option, Reason, Recommendation
from .wording import (
    CONFIDENCE,
    dollars,
    gib,
    in_language,
    joined,
    limit_gib,
    option_name,
    option_title,
    remark,
    short_model,
    signed,
    time_span,
)

if TYPE_CHECKING:
    from rich.console import Console

_LABEL_CELLS, _FIGURE_CELLS = 12, 27  # of the name before a bar, and of the numbers after it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Where the report is printed to, and in which language."""

    console: Console
    tell: Callable[[str], str]
    language: Language

    def head(self, title: str) -> None:
        from rich.text import Text

        self.console.print()
        self.console.print(Text(title, style="bold"))

    def item(self, text: str) -> None:
        from rich.padding import Padding
        from rich.text import Text

        self.console.print(Padding(Text(self.tell(text)), (0, 0, 0, 2)))

    def section(self, title: str, texts: Sequence[str]) -> None:
        """A heading with its lines; nothing where there is no line."""
        if texts:
            self.head(title)
            for text in texts:
                self.item(text)


def render_text(
    recommendation: Recommendation,
    *,
    width: int | None = None,
    colour: bool = False,
    language: Language = "en",
) -> str:
    """The report as lines of at most `width` cells, the terminal's own where None; commands stay whole."""
    import io

    from rich.console import Console

    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=colour, color_system="standard" if colour else None,
        highlight=False, emoji=False, legacy_windows=False,
    )  # fmt: skip
    _print(_Page(console=console, tell=in_language(language), language=language), recommendation)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _print(page: _Page, found: Recommendation) -> None:
    from rich.text import Text

    tell, best = page.tell, found.best
    title = f"{tell('Recommended')}: {tell(option_title(best))}"
    page.console.print(Text(title, style="bold green"))
    page.item(f"{tell('Confidence')}: {tell(CONFIDENCE[found.confidence])}. {tell(found.confidence_because)}")
    for line in (hardware_line(found.hardware), *data_lines(found.data)):
        page.item(line)
    page.section(tell("First"), [found.first_step] if found.first_step else [])
    numbers = {source: number for number, source in enumerate(sources(found), start=1)}
    page.section(tell("Why"), [_argument(reason, numbers, tell) for reason in arguments_for(found)])
    page.section(
        tell("Against it"), [_argument(reason, numbers, tell) for reason in arguments_against(found)]
    )
    page.section(tell("Nearly as good"), found.near_ties)
    _memory(page, found)
    _time_and_cost(page, best)
    _options(page, found)
    groups = rejected_groups(found, tell)
    page.section(tell("Rejected"), [f"{names}: {tell(why)}" for why, names in groups.items()])
    page.section(tell("What would change the answer"), found.would_change)
    page.section(tell("Questions that would make it surer"), list(open_questions(found, page.language)))
    _sources(page, found, numbers)
    page.head(tell("Next"))
    for command in found.commands:  # whole, however narrow the terminal: they are there to be copied
        page.console.print(
            Text(f"  {command}", style="bold cyan"), no_wrap=True, overflow="ignore", crop=False
        )


def _argument(reason: Reason, numbers: dict[str, int], tell: Callable[[str], str]) -> str:
    number = numbers.get(reason.source)
    return f"{signed(reason.weight)}  {tell(reason.text)}{f' [{number}]' if number else ''}"


def _memory(page: _Page, found: Recommendation) -> None:
    from rich.padding import Padding
    from rich.text import Text

    best, tell, limit = found.best, page.tell, limit_gib(found)
    rows = ((tell("training"), best.train_memory), (tell("answering"), best.serve_memory))
    known = [(name, memory) for name, memory in rows if memory is not None]
    if not known:
        return
    page.head(f"{tell('Memory')}: {short_model(best)} (GiB)")
    span = max([memory.high_gib for _, memory in known] + [limit or 0.0])
    cells = max(8, min(page.console.width - _LABEL_CELLS - _FIGURE_CELLS, 60))
    for name, memory in known:
        drawn = bar(memory, cells=cells, span_gib=span, limit_gib=limit)
        page.console.print(Text.assemble(_padded(name), drawn, _figures(memory, limit)))
    memories = [memory for _, memory in known]
    width = page.console.width - _LABEL_CELLS
    marks = legend(memories, width=width, language=page.language, limit=limit is not None)
    page.console.print(Padding(marks, (0, 0, 0, _LABEL_CELLS)))


def _padded(name: str) -> str:
    """The name before a bar; Chinese characters take two cells."""
    from rich.cells import cell_len

    label = f"  {name}"
    return label + " " * max(1, _LABEL_CELLS - cell_len(label))


def _figures(memory: MemoryEstimate, limit: float | None) -> str:
    of = "" if limit is None else f" / {limit:g}"
    return f" {memory.device_gib:.1f}{of} ({memory.low_gib:.1f}–{memory.high_gib:.1f})"


def _time_and_cost(page: _Page, best: Option) -> None:
    tell, lines = page.tell, []
    if best.time is not None:
        lines.append(f"{tell('time to build')}: {tell(time_span(best.time))} ({best.time.card})")
    if best.cost is not None and best.cost.build_usd is not None:
        lines.append(f"{tell('cost to build')}: {dollars(best.cost.build_usd)}")
    if best.cost is not None and best.cost.per_1000_queries_usd is not None:
        lines.append(f"{tell('1,000 questions')}: {dollars(best.cost.per_1000_queries_usd)}")
    page.section(tell("Time and cost"), lines)


def _options(page: _Page, found: Recommendation) -> None:
    from rich.table import Table
    from rich.text import Text

    tell = page.tell
    columns = [(title, cells) for title, cells in option_columns(found, tell) if any(cells)]
    table = Table(box=None, padding=(0, 1), pad_edge=False, show_edge=False)
    for title, _ in columns:
        words = title in (tell("option"), "")
        style: dict[str, Any] = {"overflow": "fold"} if words else {"justify": "right"}
        table.add_column(title, **style)
    for row in zip(*(cells for _, cells in columns), strict=True):
        table.add_row(*(Text(cell) for cell in row))
    page.head(f"{tell('All options')} ({tell('memory in GiB')})")
    page.console.print(table)


def option_columns(found: Recommendation, tell: Callable[[str], str]) -> list[tuple[str, list[str]]]:
    """Titles and cells of the table of options that can work; a column may be empty."""
    options = [option for option in found.options if option.rejected is None]
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


def rejected_groups(found: Recommendation, tell: Callable[[str], str]) -> dict[str, str]:
    """Why -> the options that cannot work for this reason, in one line."""
    groups: dict[str, list[str]] = {}
    for option in found.options:
        if option.rejected is not None:
            groups.setdefault(option.rejected, []).append(option_name(option))
    return {why: tell(joined(names)) for why, names in groups.items()}


def open_questions(found: Recommendation, language: Language) -> Iterator[str]:
    """The open questions in their own words, each with the flag that answers it."""
    asked = {question.key: question for question in QUESTIONS}
    for key in found.unanswered[:5]:
        question = asked.get(key)
        words = "" if question is None else question.text_zh if language == "zh" else question.text
        yield f"{words} (--{key.replace('_', '-')})".strip()


def _sources(page: _Page, found: Recommendation, numbers: dict[str, int]) -> None:
    told = [f"{page.tell(item.claim)} [{numbers[item.cited]}]" for item in outcomes(found)]
    page.section(page.tell("Measured by others"), told)
    page.section(page.tell("Sources"), [f"[{number}] {source}" for source, number in numbers.items()])
