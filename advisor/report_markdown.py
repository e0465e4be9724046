"""A recommendation as Markdown, for a ticket or a wiki; text from files is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from .memory_bar import part_name, shown_parts
from .phrase import Language, say
from .report_facts import data_lines, findings, hardware_line
from .report_options import option_columns, rejected_lines
from .report_sources import address, arguments_against, arguments_for, outcomes, sources
from .report_text import confidence_line, open_questions, time_and_cost
from .schema import Reason, Recommendation
from .wording import capital, in_language, limit_gib, option_title, short_model, signed, size

_MARKUP = re.compile(r"([\\`*\[\]|~]|(?<!\w)_|_(?!\w)|^\s*[#+-](?=\s))")
Tell = Callable[[str], str]


def render_markdown(recommendation: Recommendation, *, language: Language = "en") -> str:
    """The same report as the one for a terminal, with tables and numbered sources."""
    tell = in_language(language)
    numbers = {source: number for number, source in enumerate(sources(recommendation), start=1)}
    memory_title = say("Memory of {model} (GiB)", model=short_model(recommendation.best))
    blocks = [
        *_opening(recommendation, tell),
        *_section(tell("Why"), _arguments(arguments_for(recommendation), numbers, tell)),
        *_section(tell("Against it"), _arguments(arguments_against(recommendation), numbers, tell)),
        *_section(tell("Nearly as good"), _bullets(map(tell, recommendation.near_ties))),
        *_section(tell("Before you build"), _bullets(map(tell, findings(recommendation.data)))),
        *_section(tell(memory_title), _memory(recommendation, tell)),
        *_section(tell("Time and cost"), _bullets(map(tell, time_and_cost(recommendation.best)))),
        *_section(tell("All options"), _options(recommendation, tell)),
        *_section(tell("Rejected"), _bullets(map(tell, rejected_lines(recommendation)))),
        *_section(tell("What would change the answer"), _bullets(map(tell, recommendation.would_change))),
        *_section(tell("Questions that would make it surer"), _bullets(open_questions(recommendation, language))),
        *_section(tell("Measured by others"), _outcomes(recommendation, numbers, tell)),
        *_section(tell("Sources"), _sources(numbers)),
        *_section(tell("Next"), _commands(recommendation, tell)),
    ]  # fmt: skip
    return "\n".join(blocks).rstrip() + "\n"


def escaped(text: str) -> str:
    """Text that Markdown shows as it stands, on one line."""
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(r"\\\1", plain)


def _opening(found: Recommendation, tell: Tell) -> list[str]:
    title = say("Recommended: {option}", option=option_title(found.best))
    lines = [f"# {escaped(tell(title))}", "", escaped(tell(confidence_line(found))), ""]
    facts = (hardware_line(found.hardware), *data_lines(found.data))
    lines += [*_bullets(map(tell, facts)), ""]
    if found.first_step:
        lines += [f"## {tell('First')}", "", escaped(tell(found.first_step)), ""]
    return lines


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"## {title}", "", *lines, ""] if lines else []


def _bullets(texts: Iterable[str]) -> list[str]:
    return [f"- {escaped(capital(text))}" for text in texts]


def _arguments(reasons: Iterable[Reason], numbers: dict[str, int], tell: Tell) -> list[str]:
    return [
        f"- **{signed(reason.weight)}** {escaped(tell(reason.text))}{_note(numbers.get(reason.source))}"
        for reason in reasons
    ]


def _note(number: int | None) -> str:
    return f" \\[{number}\\]" if number else ""


def _memory(found: Recommendation, tell: Tell) -> list[str]:
    best, rows = found.best, []
    for name, memory in ((tell("training"), best.train_memory), (tell("answering"), best.serve_memory)):
        if memory is not None:
            limit = limit_gib(found, memory)
            parts = ", ".join(
                f"{tell(part_name(part))} {gib:.1f}" for part, gib in shown_parts(memory).items()
            )
            span = f"{memory.low_gib:.1f}–{memory.high_gib:.1f}"
            rows.append([name, f"{memory.device_gib:.1f}", span, size(limit) if limit else "", parts])
    titles = ["", tell("expected"), tell("interval"), tell("card"), tell("parts")]
    return _table(titles, rows)


def _options(found: Recommendation, tell: Tell) -> list[str]:
    columns = [(title, cells) for title, cells in option_columns(found, tell) if any(cells)]
    return _table([title for title, _ in columns], list(zip(*(cells for _, cells in columns), strict=True)))


def _outcomes(found: Recommendation, numbers: dict[str, int], tell: Tell) -> list[str]:
    return [f"- {escaped(tell(item.claim))}{_note(numbers.get(item.cited))}" for item in outcomes(found)]


def _sources(numbers: dict[str, int]) -> list[str]:
    lines = []
    for source, number in numbers.items():
        link = address(source)
        text = escaped(source)
        lines.append(f"{number}. [{text}]({link})" if link else f"{number}. {text}")
    return lines


def _commands(found: Recommendation, tell: Tell) -> list[str]:
    return ["```sh", *map(tell, found.commands), "```"] if found.commands else []


def _table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    body = [f"| {' | '.join(escaped(cell) for cell in row)} |" for row in rows]
    if not body:
        return []
    names = [escaped(title) for title in titles]
    return [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}", *body]
