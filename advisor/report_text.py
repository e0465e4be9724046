"""A recommendation as text for a terminal, in colour or without, English or Chinese."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from .memory_bar import bar, legend
from .page import Page, blank_page
from .phrase import Language, say
from .questions import QUESTIONS
from .report_facts import data_lines, findings, hardware_line
from .report_options import print_options, rejected_lines
from .report_sources import arguments_against, arguments_for, outcomes, sources
from .schema import MemoryEstimate, Option, Reason, Recommendation
from .wording import (
    CONFIDENCE,
    capital,
    dollars,
    limit_gib,
    option_title,
    short_model,
    signed,
    size,
    time_span,
)

_SHOWN_QUESTIONS = 5
_INDENT, _POINTS = 2, 6  # cells: of every line, and of the lines after the first of an argument
_LABEL_CELLS, _MOST_CELLS = 12, 60  # of the name before a bar, and of the longest bar


def render_text(
    recommendation: Recommendation,
    *,
    width: int | None = None,
    colour: bool = False,
    language: Language = "en",
    ascii_only: bool = False,
) -> str:
    """The report as lines of at most `width` cells, the terminal's own where None; commands stay whole."""
    page = blank_page(width=width, colour=colour, language=language, ascii_only=ascii_only)
    _print(page, recommendation)
    return page.text()


def _print(page: Page, found: Recommendation) -> None:
    tell, best = page.tell, found.best
    _opening(page, found)
    _section(page, tell("First"), [found.first_step] if found.first_step else [])
    numbers = {source: number for number, source in enumerate(sources(found), start=1)}
    _section(
        page, tell("Why"), [_argument(reason, numbers, tell) for reason in arguments_for(found)], _POINTS
    )
    against = [_argument(reason, numbers, tell) for reason in arguments_against(found)]
    _section(page, tell("Against it"), against, _POINTS)
    _section(page, tell("Nearly as good"), found.near_ties)
    _section(page, tell("Before you build"), findings(found.data))
    _memory(page, found)
    _section(page, tell("Time and cost"), time_and_cost(best))
    print_options(page, found)
    _section(page, tell("Rejected"), rejected_lines(found))
    _section(page, tell("What would change the answer"), found.would_change)
    _section(page, tell("Questions that would make it surer"), list(open_questions(found, page.language)))
    told = [f"{tell(item.claim)} [{numbers[item.cited]}]" for item in outcomes(found)]
    _section(page, tell("Measured by others"), told)
    _section(page, tell("Sources"), [f"[{number}] {source}" for source, number in numbers.items()])
    _commands(page, found)


def _opening(page: Page, found: Recommendation) -> None:
    from rich.text import Text

    tell = page.tell
    title = say("Recommended: {option}", option=option_title(found.best))
    page.line(Text(tell(title), style="bold green"))
    page.line(confidence_line(found), indent=_INDENT)
    for line in (hardware_line(found.hardware), *data_lines(found.data)):
        page.line(capital(tell(line)), indent=_INDENT)


def confidence_line(found: Recommendation) -> str:
    """How sure the answer is, and why."""
    level = say("Confidence: {level}.", level=CONFIDENCE[found.confidence])
    because = found.confidence_because
    return say("{level} {because}", level=level, because=because) if because else level


def _section(page: Page, title: str, texts: Sequence[str], hanging: int = 0) -> None:
    """A heading with its lines; nothing where there is no line."""
    if texts:
        page.head(title)
        for text in texts:
            page.line(capital(page.tell(text)), indent=_INDENT, hanging=hanging)


def _commands(page: Page, found: Recommendation) -> None:
    from rich.text import Text

    if found.commands:
        page.head(page.tell("Next"))
    for command in found.commands:  # whole, however narrow the terminal: they are there to be copied
        style = "bright_black" if command.startswith("#") else "bold cyan"
        line = Text(f"  {page.tell(command)}", style=style)
        page.console.print(line, no_wrap=True, overflow="ignore", crop=False)


def _argument(reason: Reason, numbers: dict[str, int], tell: Callable[[str], str]) -> str:
    number = numbers.get(reason.source)
    return f"{signed(reason.weight)}  {tell(reason.text)}{f' [{number}]' if number else ''}"


def _memory(page: Page, found: Recommendation) -> None:
    from rich.padding import Padding
    from rich.text import Text

    best, tell = found.best, page.tell
    rows = ((tell("training"), best.train_memory), (tell("answering"), best.serve_memory))
    known = [(name, memory, limit_gib(found, memory)) for name, memory in rows if memory is not None]
    if not known:
        return
    page.head(say("Memory of {model} (GiB)", model=short_model(best)))
    span = max(max(memory.high_gib, limit or 0.0) for _, memory, limit in known)
    figures = [_figures(memory, limit) for _, memory, limit in known]
    cells = max(8, min(page.width - _LABEL_CELLS - 1 - max(map(len, figures)), _MOST_CELLS))
    for (name, memory, limit), figure in zip(known, figures, strict=True):
        drawn = bar(memory, cells=cells, span_gib=span, limit_gib=limit, ascii_only=page.ascii_only)
        page.console.print(Text.assemble(_padded(name), drawn, figure))
    marks = legend(
        [memory for _, memory, _ in known],
        width=page.width - _LABEL_CELLS,
        language=page.language,
        ascii_only=page.ascii_only,
        limit=any(limit is not None for _, _, limit in known),
    )
    page.console.print(Padding(marks, (0, 0, 0, _LABEL_CELLS)))


def _padded(name: str) -> str:
    """The name before a bar; Chinese characters take two cells."""
    from rich.cells import cell_len

    label = f"  {name}"
    return label + " " * max(1, _LABEL_CELLS - cell_len(label))


def _figures(memory: MemoryEstimate, limit: float | None) -> str:
    of = "" if limit is None else f" / {size(limit)}"
    return f" {memory.device_gib:.1f}{of} ({memory.low_gib:.1f}–{memory.high_gib:.1f})"


def time_and_cost(best: Option) -> tuple[str, ...]:
    """How long and how much, as far as either is known."""
    lines: list[str] = []
    if best.time is not None:
        lines.append(say("time to build: {span} ({card})", span=time_span(best.time), card=best.time.card))
    if best.cost is not None and best.cost.build_usd is not None:
        lines.append(say("cost to build: {usd}", usd=dollars(best.cost.build_usd)))
    if best.cost is not None and best.cost.per_1000_queries_usd is not None:
        lines.append(say("1,000 questions: {usd}", usd=dollars(best.cost.per_1000_queries_usd)))
    return tuple(lines)


def open_questions(found: Recommendation, language: Language, *, flags: bool = True) -> Iterator[str]:
    """The open questions in their own words, the most telling first, each with the flag that answers it."""
    asked = {question.key: question for question in QUESTIONS}
    for key in found.unanswered[:_SHOWN_QUESTIONS]:
        question = asked.get(key)
        words = "" if question is None else question.text_zh if language == "zh" else question.text
        yield f"{words} (--{key.replace('_', '-')})".strip() if flags else words
