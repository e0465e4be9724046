"""A recommendation as one HTML page that holds all it needs: no script, no file beside it; every text is escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape

from .phrase import Language, say
from .report_facts import data_facts, findings, hardware_line
from .report_figures import (
    cost_section,
    factor_section,
    memory_section,
    memory_tile,
    note_line,
    options_section,
    section,
)
from .report_sources import address, arguments_against, arguments_for, outcomes, sources
from .report_style import STYLE
from .report_text import open_questions
from .schema import Option, Reason, Recommendation
from .wording import (
    CONFIDENCE,
    HOSTED,
    capital,
    dollars,
    fact,
    in_language,
    limit_gib,
    option_name,
    option_title,
    signed,
    time_span,
)

Tell = Callable[[str], str]
# The page may not load or run anything, whatever a document's name holds.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render_html(recommendation: Recommendation, *, language: Language = "en") -> str:
    """The page, light or dark as the reader's system is, for a screen, a phone or paper."""
    tell = in_language(language)
    numbers = {source: number for number, source in enumerate(sources(recommendation), start=1)}
    found = recommendation
    blocks = [
        _opening(found, tell),
        _first_step(found, tell),
        _arguments(tell("Why"), "for", arguments_for(found), numbers, tell),
        _arguments(tell("Against it"), "against", arguments_against(found), numbers, tell),
        _lines(tell("Nearly as good"), map(tell, found.near_ties)),
        _lines(tell("Before you build"), map(tell, findings(found.data))),
        memory_section(found, tell),
        cost_section(found, tell),
        factor_section(found, tell),
        options_section(found, tell),
        _lines(tell("What would change the answer"), map(tell, found.would_change)),
        _lines(tell("Questions that would make it surer"), open_questions(found, language)),
        _facts(found, tell),
        _outcomes(found, numbers, tell),
        _assumptions(found.best, tell),
        _commands(found, tell),
        _sources(numbers, tell),
    ]
    title = tell(say("Recommended: {option}", option=option_title(found.best)))
    return _page(title, "\n".join(block for block in blocks if block), language, tell)


def _page(title: str, content: str, language: Language, tell: Tell) -> str:
    code = {"en": "en", "zh": "zh-CN"}[language]
    footer = tell("Figures are estimates with their intervals; measure before you decide on money.")
    return (
        f'<!doctype html>\n<html lang="{code}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{content}\n"
        f"<footer>{escape(footer)}</footer>\n</main>\n</body>\n</html>\n"
    )


def _opening(found: Recommendation, tell: Tell) -> str:
    best, name = found.best, tell(option_name(found.best))
    device = {"gpu": tell("on the card"), "cpu": tell("on the CPU"), None: ""}[best.device]
    badge = tell(say("{name}: {content}", name=say("Confidence"), content=CONFIDENCE[found.confidence]))
    because = f"<p>{escape(tell(found.confidence_because))}</p>" if found.confidence_because else ""
    model = f'<p class="sub">{escape(" · ".join(part for part in (best.model, device) if part))}</p>'
    return (
        f'<header><p class="eyebrow">{escape(tell("Recommended"))}</p><h1>{escape(capital(name))}</h1>'
        f'{model}<p><span class="badge {found.confidence}">{escape(badge)}</span></p>{because}</header>'
        + _tiles(found, tell)
    )


def _tiles(found: Recommendation, tell: Tell) -> str:
    """The figures that people ask for first; only those that are known."""
    best = found.best
    tiles: list[tuple[str, str, str]] = []
    for title, memory in (
        (tell("memory to train"), best.train_memory),
        (tell("memory to answer"), best.serve_memory),
    ):
        if memory is not None:
            tiles.append((title, *memory_tile(memory, limit_gib(found, memory), tell)))
    if best.time is not None:
        tiles.append((tell("time to build"), tell(time_span(best.time)), best.time.card))
    if best.cost is not None and best.cost.build_usd is not None:
        tiles.append((tell("cost to build"), dollars(best.cost.build_usd), tell(HOSTED[best.cost.hosted])))
    if best.cost is not None and best.cost.per_1000_queries_usd is not None:
        each = dollars(best.cost.per_1000_queries_usd)
        tiles.append((tell("1,000 questions"), each, tell(HOSTED[best.cost.hosted])))
    items = "".join(
        f'<div class="tile"><dt>{escape(capital(title))}</dt><dd class="value">{escape(value)}</dd>'
        f'<dd class="more">{escape(more)}</dd></div>'
        for title, value, more in tiles
    )
    return f'<dl class="tiles">{items}</dl>' if items else ""


def _first_step(found: Recommendation, tell: Tell) -> str:
    if not found.first_step:
        return ""
    return f'<div class="callout"><strong>{escape(tell("First"))}</strong><p>{escape(tell(found.first_step))}</p></div>'


def _arguments(title: str, style: str, reasons: Iterable[Reason], numbers: dict[str, int], tell: Tell) -> str:
    items = "".join(
        f'<li><span class="points">{signed(reason.weight)}</span><span>{escape(tell(reason.text))}'
        f"{_note(numbers.get(reason.source))}{_fact(reason, tell)}</span></li>"
        for reason in reasons
    )
    return section(title, f'<ul class="arguments {style}">{items}</ul>') if items else ""


def _fact(reason: Reason, tell: Tell) -> str:
    return f' <span class="fact">({escape(tell(fact(reason)))})</span>' if reason.fact else ""


def _note(number: int | None) -> str:
    return f'<sup><a href="#source-{number}">[{number}]</a></sup>' if number else ""


def _lines(title: str, texts: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(capital(text))}</li>" for text in texts)
    return section(title, f'<ul class="plain">{items}</ul>') if items else ""


def _facts(found: Recommendation, tell: Tell) -> str:
    pairs = ((tell("machine"), hardware_line(found.hardware)), *data_facts(found.data))
    items = "".join(
        f"<div><dt>{escape(capital(tell(name)))}</dt><dd>{escape(tell(content))}</dd></div>"
        for name, content in pairs
    )
    return section(tell("Machine and data"), f'<dl class="facts">{items}</dl>')


def _outcomes(found: Recommendation, numbers: dict[str, int], tell: Tell) -> str:
    items = "".join(
        f"<li>{escape(tell(item.claim))}{_note(numbers.get(item.cited))}</li>" for item in outcomes(found)
    )
    return section(tell("Measured by others"), f'<ul class="plain">{items}</ul>') if items else ""


def _assumptions(best: Option, tell: Tell) -> str:
    time, cost = best.time, best.cost
    lines = [*(time.assumptions if time else ()), *(cost.assumptions if cost else ())]
    return _lines(tell("Assumptions of time and cost"), map(tell, dict.fromkeys(lines)))


def _commands(found: Recommendation, tell: Tell) -> str:
    """Each command in a box of its own; what begins with # is a remark on the next one."""
    lines = "".join(
        note_line(tell(command).lstrip("# "))
        if command.startswith("#")
        else f"<pre><code>{escape(command)}</code></pre>"
        for command in found.commands
    )
    hint = tell("A click selects a whole command.")
    return section(tell("Next"), lines + note_line(hint)) if lines else ""


def _sources(numbers: dict[str, int], tell: Tell) -> str:
    items = []
    for source, number in numbers.items():
        link, text = address(source), escape(source)
        shown = f'<a href="{escape(link)}" rel="noreferrer">{text}</a>' if link else text
        items.append(f'<li id="source-{number}">{shown}</li>')
    return section(tell("Sources"), f'<ol class="sources">{"".join(items)}</ol>') if items else ""
