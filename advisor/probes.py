"""Answers that could be given instead: what is asked when a case is decided again with one thing changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from .case import Case
from .contradictions import contradictions
from .phrase import Phrase, say
from .questions import QUESTIONS, Question
from .schema import Needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One possible answer to a question; `words` begin a sentence on what would follow from it, where it has one."""

    key: str
    value: Any
    answer: str  # as it is shown beside its question
    words: Phrase | None = None


# Numbers of which each stands for a kind of situation; the thresholds between them are looked for in thresholds.py.
_NUMBERS: Mapping[str, tuple[float, ...]] = {
    "update_days": (1.0, 30.0, 1000.0),
    "labelled_examples": (0, 300, 5000),
    "preference_pairs": (0, 2000),
    "corpus_tokens": (100_000, 10_000_000),
    "unlabelled_tokens": (10_000_000, 2_000_000_000),
    "queries_per_day": (100.0, 100_000.0),
    "tenants": (1, 20),
}
# Where the machine, the model or the language is asked, what the model lacks is not; a wait is asked for by yes or no.
_NOT_TRIED = ("constraint", "gpus", "language", "latency_ms", "model", "model_params_b", "vram_gib")
_WORDS: Mapping[tuple[str, Any], Phrase] = {
    ("gap", "knowledge"): say("If what is missing were knowledge"),
    ("gap", "behaviour"): say("If what is missing were behaviour (style, format, task), not knowledge"),
    ("gap", "both"): say("If knowledge and behaviour were both missing"),
    ("prompting_sufficient", True): say("If a prompt alone turned out to be good enough"),
    ("prompting_sufficient", False): say("If a prompt alone turned out to fall short"),
    ("rag_sufficient", True): say("If retrieval alone turned out to be good enough"),
    ("rag_sufficient", False): say("If retrieval alone turned out to fall short"),
    ("needs_citations", True): say("If answers had to cite their source"),
    ("needs_citations", False): say("If answers need not cite their source"),
    ("per_document_access", True): say("If not every reader might see every document"),
    ("style_or_format_task", True): say("If a set style or format were wanted"),
    ("style_or_format_task", False): say("If no particular style or format were wanted"),
    ("domain_language", True): say("If the field had a language of its own to learn"),
    ("instructions_fit_prompt", False): say("If the instructions did not fit into a prompt"),
    ("large_behaviour_shift", True): say("If the behaviour had to change far"),
    ("latency_sensitive", True): say("If answers had to come fast"),
    ("cost_sensitive", True): say("If cost mattered most"),
    ("long_tail_knowledge", True): say("If rare facts were asked for"),
    ("retrieval_noisy", True): say("If what is found were often beside the point"),
    ("corpus_growing", True): say("If the documents kept growing"),
    ("tenants", 20): say("With 20 tenants, each with a behaviour of its own"),
    ("preference_pairs", 2000): say("With 2,000 preference pairs"),
    ("unlabelled_tokens", 2_000_000_000): say("With two billion tokens of plain text"),
    ("stage", "prototype"): say("For a prototype"),
    ("stage", "production"): say("For production"),
    ("only_one_method", True): say("If there were room for one method only"),
}
_IMPLIED: Mapping[str, str] = {"prompting_sufficient": "prompting_tried", "rag_sufficient": "rag_tried"}


@cache
def probes() -> tuple[Probe, ...]:
    """All possible answers to a question of choice, and a few to one of number, in the order of the questionnaire."""
    asked = (question for question in QUESTIONS if question.key not in _NOT_TRIED)
    return tuple(
        Probe(key=question.key, value=value, answer=answer, words=_WORDS.get((question.key, value)))
        for question in asked
        for value, answer in _answers(question)
    )


def _answers(question: Question) -> tuple[tuple[Any, str], ...]:
    if question.kind == "yes_no":
        return ((True, say("yes")), (False, say("no")))
    if question.kind == "choice":
        return tuple((choice.value, choice.label) for choice in question.choices)
    return tuple((value, say("{number:,.0f}", number=value)) for value in _NUMBERS[question.key])


def possible(case: Case) -> tuple[tuple[Probe, Case], ...]:
    """Each probe that is no answer given already and contradicts none, with the case as it would be."""
    others = ((probe, asked(case, probe.key, probe.value)) for probe in probes())
    return tuple(
        (probe, other)
        for probe, other in others
        if getattr(case.needs, probe.key) != probe.value and not contradictions(other.needs)
    )


def asked(case: Case, key: str, value: Any) -> Case:
    """The case with one answer changed. Saying that prompting falls short implies that it was tried, and so on."""
    changes = {key: value, **({_IMPLIED[key]: True} if key in _IMPLIED else {})}
    needs: Needs = replace(case.needs, **changes)
    learned = {name: how for name, how in case.learned.items() if name not in changes}
    return replace(case, needs=needs, learned=learned)
