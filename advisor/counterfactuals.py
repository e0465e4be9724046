"""What would change the answer, found by deciding again with one thing changed; nothing here is written beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .case import Case
from .catalog import threshold
from .hardware import hardware_with_vram
from .ranking import rank
from .schema import Needs, Option
from .wording import METHODS, option_name

# Answers tried for a question, in words. Only questions whose answer is a matter of choice or circumstance stand here.
_PROBES: tuple[tuple[str, Any, str], ...] = (
    ("gap", "knowledge", "If what is missing were knowledge"),
    ("gap", "behaviour", "If what is missing were behaviour (style, format, task), not knowledge"),
    ("gap", "both", "If knowledge and behaviour were both missing"),
    ("update_days", 1.0, "If the documents changed daily"),
    ("update_days", 1000.0, "If the documents hardly ever changed"),
    ("needs_citations", True, "If answers had to cite their source"),
    ("per_document_access", True, "If not every reader might see every document"),
    ("prompting_sufficient", True, "If a prompt alone turned out to be good enough"),
    ("prompting_sufficient", False, "If a prompt alone turned out to fall short"),
    ("rag_sufficient", False, "If retrieval alone turned out to fall short"),
    ("style_or_format_task", True, "If a set style or format were wanted"),
    ("domain_language", True, "If the field had a language of its own to learn"),
    ("latency_sensitive", True, "If answers had to come fast"),
    ("instructions_fit_prompt", False, "If the instructions did not fit into a prompt"),
    ("large_behaviour_shift", True, "If the behaviour had to change far"),
)
_LABEL_STEPS = (50, 100, 200, 500, 1000, 2000, 5000)
_CARDS_GIB = (8, 12, 16, 24, 32, 40, 48, 80, 141)
_LONGEST_LIST = 6


def what_would_change(case: Case, options: tuple[Option, ...]) -> tuple[str, ...]:
    """Sentences, each a changed fact and the answer that it leads to; the surest kinds of change first."""
    lines = [*_more_labels(case, options[0]), *_more_memory(case, options)]
    for key, value, words in _PROBES:
        if getattr(case.needs, key) == value:
            continue
        other = rank(_asked(case, key, value))[0]
        if other.strategy != options[0].strategy:
            lines.append(f"{words}: {_arrow(options[0], other)}.")
    return tuple(lines[:_LONGEST_LIST])


def telling_questions(case: Case, options: tuple[Option, ...]) -> tuple[str, ...]:
    """Open questions of which at least one answer changes the strategy, those with the largest effect first."""
    effect: dict[str, float] = {}
    for key, value, _ in _PROBES:
        if getattr(case.needs, key) is not None:
            continue
        ranked = rank(_asked(case, key, value))
        if ranked[0].strategy != options[0].strategy:
            effect[key] = effect.get(key, 0.0) + _margin(ranked)
    if case.needs.labelled_examples is None and next(_more_labels(case, options[0]), None):
        effect["labelled_examples"] = 1.0
    return tuple(sorted(effect, key=lambda key: -effect[key]))


def _margin(ranked: tuple[Option, ...]) -> float:
    rest = [
        option.score for option in ranked[1:] if option.strategy != ranked[0].strategy and not option.rejected
    ]
    return 1.0 + ranked[0].score - max(rest, default=0.0)


def _more_labels(case: Case, best: Option) -> Iterator[str]:
    """The first number of examples from which the strategy is another one."""
    have = case.needs.labelled_examples
    for count in _LABEL_STEPS:
        if count <= (have or 0):
            continue
        other = rank(_asked(case, "labelled_examples", count))[0]
        if other.strategy != best.strategy:
            yield f"From {count:,} labelled examples on: {_arrow(best, other)}."
            return
    few = int(threshold("labels", "too_few")) - 1
    if have is None or have > few:
        other = rank(_asked(case, "labelled_examples", few))[0]
        if other.strategy != best.strategy:
            yield f"With fewer than {few + 1} labelled examples: {_arrow(best, other)}."


def _more_memory(case: Case, options: tuple[Option, ...]) -> Iterator[str]:
    """The next larger card that changes the best option or the best way to train; without a card, the first one."""
    if case.hardware is None:
        return
    for size in _CARDS_GIB:
        if size <= case.hardware.vram_gib:
            continue
        others = rank(replace(case, hardware=hardware_with_vram(size, case.hardware)))
        if _described(others[0]) != _described(options[0]):
            yield f"With a card of {size} GiB: {_arrow(options[0], others[0], model=True)}."
            return
        before, after = _tuned(options), _tuned(others)
        if after is not None and (before is None or before.method != after.method):
            instead = f"instead of {METHODS[before.method]}" if before else "where nothing can be trained now"
            yield f"With a card of {size} GiB the way to train would be {METHODS[after.method]} {instead}."
            return


def _tuned(options: tuple[Option, ...]) -> Option | None:
    return next((o for o in options if o.method != "none" and o.rejected is None), None)


def _asked(case: Case, key: str, value: Any) -> Case:
    """The case with one answer changed. Saying that prompting falls short implies that it was tried, and so on."""
    implied = {"prompting_sufficient": "prompting_tried", "rag_sufficient": "rag_tried"}
    changes = {key: value, **({implied[key]: True} if key in implied else {})}
    needs: Needs = replace(case.needs, **changes)
    learned = {name: how for name, how in case.learned.items() if name not in changes}
    return replace(case, needs=needs, learned=learned)


def _described(option: Option) -> tuple[str, str, str]:
    return option.strategy, option.method, option.model


def _arrow(before: Option, after: Option, *, model: bool = False) -> str:
    def name(option: Option) -> str:
        words = option_name(option)
        return f"{words} with {option.model.split('/')[-1]}" if model else words

    return f"{name(after)} instead of {name(before)}"
