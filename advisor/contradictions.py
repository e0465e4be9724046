"""Answers that cannot both be true, each pointed out in one line with both keys and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .case import figure
from .phrase import Phrase, say
from .schema import Needs

_SIZE_TOLERANCE = 0.25  # a '7B' model may have 7.6 billion parameters


def contradictions(needs: Needs) -> tuple[Phrase, ...]:
    """One sentence for each pair of answers that exclude each other."""
    return tuple(found for check in _CHECKS if (found := check(needs)) is not None)


def refuse_contradictions(needs: Needs) -> None:
    """Raises ValueError with the first contradiction."""
    found = contradictions(needs)
    if found:
        raise ValueError(found[0])


def _untried_prompt(needs: Needs) -> Phrase | None:
    if needs.prompting_tried is not False or needs.prompting_sufficient is None:
        return None
    return _both(needs, "prompting_tried", "prompting_sufficient", say("what was not tried cannot be judged"))


def _untried_retrieval(needs: Needs) -> Phrase | None:
    if needs.rag_tried is not False or needs.rag_sufficient is None:
        return None
    return _both(needs, "rag_tried", "rag_sufficient", say("what was not tried cannot be judged"))


def _no_gap(needs: Needs) -> Phrase | None:
    if needs.gap != "none" or needs.prompting_sufficient is not False:
        return None
    why = say("where nothing is missing a prompt suffices")
    return _both(needs, "gap", "prompting_sufficient", why)


def _too_long_and_enough(needs: Needs) -> Phrase | None:
    if needs.instructions_fit_prompt is not False or not needs.prompting_sufficient:
        return None
    why = say("a prompt that does not hold the instructions cannot suffice")
    return _both(needs, "instructions_fit_prompt", "prompting_sufficient", why)


def _fast_or_not(needs: Needs) -> Phrase | None:
    limit = needs.latency_ms
    if needs.latency_sensitive is not False or limit is None or limit > figure("response_time"):
        return None
    return _both(needs, "latency_sensitive", "latency_ms", say("so short a wait is a demand for speed"))


def _cite_nothing(needs: Needs) -> Phrase | None:
    if needs.corpus_tokens != 0:
        return None
    key = "needs_citations" if needs.needs_citations else "per_document_access"
    if not getattr(needs, key):
        return None
    why = say("without documents there is nothing to cite or to keep apart")
    return _both(needs, "corpus_tokens", key, why)


def _two_sizes(needs: Needs) -> Phrase | None:
    """Only for a catalogued name: a folder is read where it is used."""
    if needs.model is None or needs.model_params_b is None:
        return None
    from .catalog import find_model

    try:
        stated = find_model(needs.model).params_b or 0.0
    except ValueError:
        return None
    if abs(stated - needs.model_params_b) <= _SIZE_TOLERANCE * stated:
        return None
    why = say("that model has {stated:g} billion parameters", stated=stated)
    return _both(needs, "model", "model_params_b", why)


def _both(needs: Needs, one: str, two: str, why: Phrase) -> Phrase:
    return say(
        "{one} is {first} and {two} is {second}: {why}; change one of them or leave it out.",
        one=one,
        first=_typed(getattr(needs, one)),
        two=two,
        second=_typed(getattr(needs, two)),
        why=why,
    )


def _typed(value: Any) -> str:
    """As it is written in a needs.json."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else f"{value:g}"


_CHECKS: tuple[Callable[[Needs], Phrase | None], ...] = (
    _untried_prompt,
    _untried_retrieval,
    _no_gap,
    _too_long_and_enough,
    _fast_or_not,
    _cite_nothing,
    _two_sizes,
)
