"""RULES: what each answered question says for and against each way to adapt; small pure functions of a Case.

A rule speaks only about what it knows: it returns None where its question is unanswered. Weights are in points: 1 tips
an otherwise even choice, 3 decides it unless something equally strong stands against it. The gate order of the guides
is kept by vetoes: freshness and citations rule out tuning alone, whatever the points say.
"""

from __future__ import annotations

from collections.abc import Callable

from . import rules_documents as documents
from . import rules_training as training
from .case import FULL, LORA, QLORA, C, Case, F, H, L, P, R, Verdict


def simplicity(case: Case) -> Verdict:
    return Verdict(
        text="Fewer parts to build, measure and keep up to date come first where nothing else decides",
        weights={P: 0.5, R: 0.3, F: 0.0, L: -0.3, H: -0.4, C: -1.5, LORA: -0.5, QLORA: -0.5, FULL: -1.2},
        evidence="two_systems",
    )


def prompting(case: Case) -> Verdict | None:
    needs = case.needs
    if needs.prompting_sufficient:
        return Verdict(
            text="A prompt alone already reaches your target: building more would add cost, not quality",
            weights={P: 5, R: -1, L: -1, F: -3, H: -3, C: -3},
            evidence="prompt_first",
            need="prompting_sufficient",
        )
    if needs.prompting_sufficient is False:
        return Verdict(
            text="A prompt alone was tried and falls short",
            weights={P: -2.5, R: 0.5, L: 0.3, F: 0.5, H: 0.5},
            evidence="prompt_first",
            need="prompting_sufficient",
        )
    if needs.prompting_tried is False:
        return Verdict(
            text="Nothing has been tried yet, so nothing shows that training is needed",
            weights={P: 1, F: -1, H: -0.5, C: -1},
            evidence="prompt_first",
            need="prompting_tried",
        )
    return None


def retrieval_tried(case: Case) -> Verdict | None:
    enough = case.needs.rag_sufficient
    if enough is None:
        return None
    return Verdict(
        text="Retrieval alone already reaches your target"
        if enough
        else "Retrieval alone was tried and falls short",
        weights={R: 3, F: -2, H: -1.5} if enough else {R: -2, L: -1, H: 1, F: 0.5},
        evidence="prompt_first",
        need="rag_sufficient",
    )


def knowledge_gap(case: Case) -> Verdict | None:
    if case.needs.gap != "knowledge":
        return None
    return Verdict(
        text="The model lacks knowledge, and retrieval supplies knowledge better than training does",
        weights={R: 3, L: 2, H: 0.5, F: -2, P: -1, C: 0.5},
        evidence="knowledge_measured",
        need="gap",
    )


def behaviour_gap(case: Case) -> Verdict | None:
    if case.needs.gap != "behaviour":
        return None
    return Verdict(
        text="The model knows enough but does not behave as wanted, which examples teach",
        weights={F: 3, H: 0.5, R: -1.5, L: -1.5, P: -0.5},
        evidence="behaviour_tuning",
        need="gap",
    )


def both_gaps(case: Case) -> Verdict | None:
    if case.needs.gap != "both":
        return None
    return Verdict(
        text="Knowledge and behaviour are both missing: retrieval brings the one, training the other",
        weights={H: 4, R: 1, F: 1, L: 0.5, P: -1},
        evidence="both_hybrid",
        need="gap",
    )


def no_gap(case: Case) -> Verdict | None:
    if case.needs.gap != "none":
        return None
    return Verdict(
        text="The model lacks neither knowledge nor behaviour",
        weights={P: 3, F: -1, H: -2, C: -2},
        evidence="prompt_first",
        need="gap",
    )


RULES: tuple[Callable[[Case], Verdict | None], ...] = (
    prompting,
    retrieval_tried,
    knowledge_gap,
    behaviour_gap,
    both_gaps,
    no_gap,
    documents.documents_given,
    documents.freshness,
    documents.citations,
    documents.access,
    training.style,
    training.domain_language,
    training.task,
    training.labels,
    documents.unlabelled,
    documents.small_corpus,
    training.speed,
    training.long_instructions,
    training.training_constraint,
    training.behaviour_shift,
    training.keep_base,
    simplicity,
)
