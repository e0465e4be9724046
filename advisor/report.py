"""A recommendation for people: text for a terminal and Markdown; the JSON of plan.json is in plan_json.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .plan_json import from_json, to_json
from .schema import MemoryEstimate, Option, Reason, Recommendation
from .wording import data_line, hardware_line, option_name, option_title, signed

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["from_json", "memory_parts", "render_markdown", "render_text", "to_json"]

_SHOWN_REASONS = 5
_PART_STYLES = {
    "weights": "blue", "adapters": "cyan", "gradients": "magenta", "optimizer": "yellow", "activations": "green",
    "logits": "red", "workspace": "bright_black", "context": "white", "kv_cache": "bright_green",
    "embedder": "bright_cyan",
}  # fmt: skip
_MARKS = "█▓▒░▞▚▛▙#="  # parts can be told apart without colour


def render_text(recommendation: Recommendation, *, width: int | None = None, colour: bool = False) -> str:
    """The report as lines for a terminal; `width` is its own width where None."""
    import io

    from rich.console import Console

    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, color_system="standard" if colour else None,
        highlight=False, emoji=False, legacy_windows=False,
    )  # fmt: skip
    _print(console, recommendation)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _print(console: Console, recommendation: Recommendation) -> None:
    from rich.padding import Padding
    from rich.text import Text

    best = recommendation.best

    def head(title: str) -> None:
        console.print()
        console.print(Text(title, style="bold"))

    def item(text: str, style: str = "") -> None:
        console.print(Padding(Text(text, style=style), (0, 0, 0, 2)))

    console.print(Text(f"Recommended: {option_title(best)}", style="bold green"))
    item(f"confidence {recommendation.confidence}; {hardware_line(recommendation.hardware)}")
    for line in data_line(recommendation.data):
        item(line)
    if recommendation.first_step:
        head("First")
        item(recommendation.first_step)
    head("Why")
    for reason in best.reasons[:_SHOWN_REASONS]:
        item(_argument(reason))
    if best.against:
        head("Against it")
        for reason in best.against[:3]:
            item(_argument(reason))
    _memory(console, recommendation, head)
    _others(console, recommendation, head)
    if recommendation.would_change:
        head("What would change the answer")
        for line in recommendation.would_change:
            item(line)
    if recommendation.unanswered:
        head("Questions that would make it surer")
        item(", ".join(recommendation.unanswered[:5]))
    head("Next")
    for command in recommendation.commands:  # whole, however narrow the terminal: they are there to be copied
        console.print(Text(f"  {command}", style="bold cyan"), no_wrap=True, overflow="ignore", crop=False)


def _argument(reason: Reason) -> str:
    return f"{signed(reason.weight)}  {reason.text} [{reason.source}]"


def _memory(console: Console, recommendation: Recommendation, head: object) -> None:
    best = recommendation.best
    limit = recommendation.hardware.vram_gib if recommendation.hardware and best.device == "gpu" else None
    rows = [("training", best.train_memory), ("answering", best.serve_memory)]
    known = [(name, memory) for name, memory in rows if memory is not None]
    if not known:
        return
    head(f"Memory of {best.model.split('/')[-1]} (GiB)")  # type: ignore[operator]
    span = max([memory.high_gib for _, memory in known] + [limit or 0.0])
    for name, memory in known:
        console.print(_bar(name, memory, span, max(20, min(console.width - 46, 60)), limit))
    names = {part: None for _, memory in known for part in memory_parts(memory)}
    console.print(_legend(list(names)))


def _bar(name: str, memory: MemoryEstimate, span: float, cells: int, limit: float | None) -> object:
    """Parts side by side; `|` is where the card ends."""
    from rich.text import Text

    bar, filled, total = Text(), 0.0, 0
    for part, gib in memory_parts(memory).items():
        filled += gib
        upto = round(filled / span * cells)
        bar.append(_mark(part) * (upto - total), style=_PART_STYLES[part])
        total = max(total, upto)
    bar.append(" " * (cells - total))
    end = "" if limit is None else f" of {limit:g}"
    if limit is not None and round(limit / span * cells) >= total:
        place = round(limit / span * cells)
        bar = Text.assemble(bar[:place], ("|", "bold red"), bar[place:])
    figures = f" {memory.device_gib:5.1f}{end} ({memory.low_gib:.1f} to {memory.high_gib:.1f})"
    return Text.assemble(f"  {name:<10}", bar, figures)


def memory_parts(memory: MemoryEstimate) -> dict[str, float]:
    """Parts that can be seen in a picture, largest first kept in the order of the estimate."""
    return {name: gib for name, gib in memory.parts.items() if gib >= 0.005 * memory.device_gib}


def _mark(part: str) -> str:
    return _MARKS[list(_PART_STYLES).index(part) % len(_MARKS)]


def _legend(parts: list[str]) -> object:
    from rich.padding import Padding
    from rich.text import Text

    text = Text()
    for part in parts:
        text.append(_mark(part), style=_PART_STYLES[part])
        text.append(f" {part.replace('_', ' ')}   ")
    return Padding(text, (0, 0, 0, 12))


def _others(console: Console, recommendation: Recommendation, head: object) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1), pad_edge=False, show_edge=False)
    for name, options in (("option", {}), ("score", {"justify": "right"}), ("train", {"justify": "right"}),
                          ("answer", {"justify": "right"}), ("", {"overflow": "fold"})):  # fmt: skip
        table.add_column(name, **options)  # type: ignore[arg-type]
    for option in recommendation.options:
        table.add_row(
            option_name(option), "" if option.rejected else f"{option.score:+.1f}", _gib(option.train_memory),
            _gib(option.serve_memory), _remark(option, recommendation.best),
        )  # fmt: skip
    head("All options (memory in GiB)")  # type: ignore[operator]
    console.print(table)


def _gib(memory: MemoryEstimate | None) -> str:
    return "" if memory is None else f"{memory.device_gib:.1f}"


def _remark(option: Option, best: Option) -> str:
    if option.rejected:
        return f"rejected: {option.rejected}"
    if option == best:
        return "recommended"
    telling = [reason for reason in option.against if reason.rule not in ("simplicity", "smaller_model")]
    strongest = telling[0].text.split(" (read from your data")[0].rstrip(".") if telling else ""
    close = "close; " if best.score - option.score < 0.75 and option.strategy != best.strategy else ""
    smaller = f"with {option.model.split('/')[-1]}; " if option.model != best.model else ""
    return f"{close}{smaller}{strongest}".removesuffix("; ")


def render_markdown(recommendation: Recommendation) -> str:
    """The same report as Markdown, for a ticket or a wiki."""
    best = recommendation.best
    lines = [f"# Recommended: {option_title(best)}", ""]
    lines += [f"Confidence: {recommendation.confidence}. {hardware_line(recommendation.hardware)}", ""]
    lines += [*data_line(recommendation.data), ""] if recommendation.data else []
    if recommendation.first_step:
        lines += ["## First", "", recommendation.first_step, ""]
    lines += ["## Why", "", *(f"- {_argument(reason)}" for reason in best.reasons), ""]
    if best.against:
        lines += ["## Against it", "", *(f"- {_argument(reason)}" for reason in best.against), ""]
    lines += ["## All options", "", "| option | model | score | train GiB | answer GiB | remark |"]
    lines += [
        "|---|---|---:|---:|---:|---|",
        *(_markdown_row(option, best) for option in recommendation.options),
        "",
    ]
    if recommendation.would_change:
        lines += [
            "## What would change the answer",
            "",
            *(f"- {line}" for line in recommendation.would_change),
            "",
        ]
    lines += ["## Next", "", "```", *recommendation.commands, "```"]
    return "\n".join(lines) + "\n"


def _markdown_row(option: Option, best: Option) -> str:
    score = "" if option.rejected else f"{option.score:+.1f}"
    cells = (
        option_name(option),
        option.model.split("/")[-1],
        score,
        _gib(option.train_memory),
        _gib(option.serve_memory),
    )
    return f"| {' | '.join(cells)} | {_remark(option, best)} |"
