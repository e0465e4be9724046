"""A recommendation as Markdown, for a ticket or a wiki; text from files is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from .memory_bar import part_name, shown_parts
from .phrase import Language
from .report_facts import data_lines, hardware_line
from .report_sources import address, arguments_against, arguments_for, outcomes, sources
from .report_text import open_questions, option_columns, rejected_groups
from .schema import Option, Reason, Recommendation
from .wording import CONFIDENCE, dollars, in_language, limit_gib, option_title, short_model, signed, time_span

_MARKUP = re.compile(r"([\\`*\[\]|~]|(?<!\w)_|_(?!\w)|^\s*[#+-])")
Tell = Callable[[str], str]


def render_markdown(recommendation: Recommendation, *, language: Language = "en") -> str:
    """The same report as the one for a terminal, with tables and numbered sources."""
    tell = in_language(language)
    numbers = {source: number for number, source in enumerate(sources(recommendation), start=1)}
    blocks = [
        *_opening(recommendation, tell),
        *_section(tell("Why"), _arguments(arguments_for(recommendation), numbers, tell)),
        *_section(tell("Against it"), _arguments(arguments_against(recommendation), numbers, tell)),
        *_section(tell("Nearly as good"), _bullets(map(tell, recommendation.near_ties))),
        *_section(f"{tell('Memory')} (GiB)", _memory(recommendation, tell)),
        *_section(tell("Time and cost"), _time_and_cost(recommendation.best, tell)),
        *_section(tell("All options"), _options(recommendation, tell)),
        *_section(tell("Rejected"), _rejected(recommendation, tell)),
        *_section(tell("What would change the answer"), _bullets(map(tell, recommendation.would_change))),
        *_section(tell("Questions that would make it surer"), _bullets(open_questions(recommendation, language))),
        *_section(tell("Measured by others"), _outcomes(recommendation, numbers, tell)),
        *_section(tell("Sources"), _sources(numbers)),
        *_section(tell("Next"), ["```sh", *recommendation.commands, "```"]),
    ]  # fmt: skip
    return "\n".join(blocks).rstrip() + "\n"


def escaped(text: str) -> str:
    """Text that Markdown shows as it stands, on one line."""
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(r"\\\1", plain)


def _opening(found: Recommendation, tell: Tell) -> list[str]:
    confidence = tell("Confidence"), tell(CONFIDENCE[found.confidence])
    lines = [f"# {tell('Recommended')}: {escaped(tell(option_title(found.best)))}", ""]
    lines += [f"**{confidence[0]}: {confidence[1]}.** {escaped(tell(found.confidence_because))}".rstrip(), ""]
    facts = (hardware_line(found.hardware), *data_lines(found.data))
    lines += [*_bullets(map(tell, facts)), ""]
    if found.first_step:
        lines += [f"## {tell('First')}", "", escaped(tell(found.first_step)), ""]
    return lines


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"## {title}", "", *lines, ""] if lines else []


def _bullets(texts: Iterable[str]) -> list[str]:
    return [f"- {escaped(text)}" for text in texts]


def _arguments(reasons: Iterable[Reason], numbers: dict[str, int], tell: Tell) -> list[str]:
    return [
        f"- **{signed(reason.weight)}** {escaped(tell(reason.text))}{_note(numbers.get(reason.source))}"
        for reason in reasons
    ]


def _note(number: int | None) -> str:
    return f" \\[{number}\\]" if number else ""


def _memory(found: Recommendation, tell: Tell) -> list[str]:
    best, limit = found.best, limit_gib(found)
    rows = []
    for name, memory in ((tell("training"), best.train_memory), (tell("answering"), best.serve_memory)):
        if memory is not None:
            parts = ", ".join(
                f"{tell(part_name(part))} {gib:.1f}" for part, gib in shown_parts(memory).items()
            )
            span = f"{memory.low_gib:.1f}–{memory.high_gib:.1f}"
            rows.append([name, f"{memory.device_gib:.1f}", span, f"{limit:g}" if limit else "", parts])
    titles = [short_model(best), tell("expected"), tell("interval"), tell("card"), tell("parts")]
    return _table(titles, rows)


def _time_and_cost(best: Option, tell: Tell) -> list[str]:
    lines = []
    if best.time is not None:
        lines.append(f"{tell('time to build')}: {tell(time_span(best.time))} ({best.time.card})")
    if best.cost is not None and best.cost.build_usd is not None:
        lines.append(f"{tell('cost to build')}: {dollars(best.cost.build_usd)}")
    if best.cost is not None and best.cost.per_1000_queries_usd is not None:
        lines.append(f"{tell('1,000 questions')}: {dollars(best.cost.per_1000_queries_usd)}")
    return _bullets(lines)


def _options(found: Recommendation, tell: Tell) -> list[str]:
    columns = [(title, cells) for title, cells in option_columns(found, tell) if any(cells)]
    return _table([title for title, _ in columns], list(zip(*(cells for _, cells in columns), strict=True)))


def _rejected(found: Recommendation, tell: Tell) -> list[str]:
    return [
        f"- {escaped(names)}: {escaped(tell(why))}" for why, names in rejected_groups(found, tell).items()
    ]


def _outcomes(found: Recommendation, numbers: dict[str, int], tell: Tell) -> list[str]:
    return [f"- {escaped(tell(item.claim))}{_note(numbers.get(item.cited))}" for item in outcomes(found)]


def _sources(numbers: dict[str, int]) -> list[str]:
    lines = []
    for source, number in numbers.items():
        link = address(source)
        text = escaped(source)
        lines.append(f"{number}. [{text}]({link})" if link else f"{number}. {text}")
    return lines


def _table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    body = [f"| {' | '.join(escaped(cell) for cell in row)} |" for row in rows]
    if not body:
        return []
    names = [escaped(title) for title in titles]
    return [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}", *body]
