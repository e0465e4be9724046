"""RULES: what each answered question says for and against each way to adapt; small pure functions of a Case.

A rule speaks only about what it knows: it returns None where its question is unanswered. Weights are in points on one
scale: 0.3 a nudge, 0.5 a lean, 1 tips an even choice, 2 is strong, 3 decides unless something equally strong stands
against it, 5 overrides. The gate order of the guides is kept by vetoes: freshness and citations rule out tuning alone,
whatever the points say. Rules on documents, training and operation stand in their own files.
"""

from __future__ import annotations

from collections.abc import Callable

from . import rules_documents as documents
from . import rules_operation as operation
from . import rules_training as training
from .case import (
    DPO,
    FEATURES,
    FULL,
    KTO,
    LORA,
    OUTPUT_LAYER,
    QLORA,
    C,
    Case,
    F,
    H,
    L,
    P,
    R,
    Verdict,
    is_busy,
    must_be_fast,
)
from .case import corpus_fits_prompt as fits_prompt
from .phrase import say

# Steps that each way adds to those of plain prompting; methods count on top of their strategy.
_PARTS = {
    P: 0.5, R: 0.3, F: 0.0, L: -0.3, H: -0.5, C: -1.5,
    LORA: -0.5, QLORA: -0.5, FEATURES: -0.5, OUTPUT_LAYER: -0.5, FULL: -1.0, DPO: -1.0, KTO: -1.0,
}  # fmt: skip


def simplicity(case: Case) -> Verdict:
    return Verdict(
        text=say("Fewer parts to build, measure and keep up to date come first where nothing else decides"),
        weights=_PARTS,
        evidence="two_systems",
        fact=say("what each option has to build and keep"),
    )


def prompting(case: Case) -> Verdict | None:
    needs = case.needs
    if needs.prompting_sufficient and needs.cost_sensitive and (is_busy(needs) or must_be_fast(needs)):
        return Verdict(
            text=say(
                "A prompt reaches your target; its answers can teach a small model that is cheaper and faster"
            ),
            weights={P: 1, F: 1, R: -1, L: -1, H: -3, C: -3},
            evidence="small_from_large",
            need="prompting_sufficient",
        )
    if needs.prompting_sufficient:
        return Verdict(
            text=say("A prompt alone already reaches your target: building more would add cost, not quality"),
            weights={P: 5, R: -1, L: -1, F: -3, H: -3, C: -3},
            evidence="prompt_first",
            need="prompting_sufficient",
        )
    if needs.prompting_sufficient is False:
        return Verdict(
            text=say("A prompt alone was tried and falls short"),
            weights={P: -3, R: 0.5, L: 0.3, F: 0.5, H: 0.5},
            evidence="prompt_first",
            need="prompting_sufficient",
        )
    if needs.prompting_tried is False:
        return Verdict(
            text=say("Nothing has been tried yet, so nothing shows that training is needed"),
            weights={P: 1, F: -1, H: -0.5, C: -1},
            evidence="prompt_first",
            need="prompting_tried",
        )
    return None


def retrieval_tried(case: Case) -> Verdict | None:
    enough = case.needs.rag_sufficient
    if enough is None:
        return None
    if enough:
        return Verdict(
            text=say("Retrieval alone already reaches your target"),
            weights={R: 3, F: -2, H: -1.5},
            evidence="prompt_first",
            need="rag_sufficient",
        )
    return Verdict(
        text=say("Retrieval alone was tried and falls short; what it brings is kept and tuning put on top"),
        weights={R: -2, L: -1, H: 2},
        evidence="both_hybrid",
        need="rag_sufficient",
    )


def knowledge_gap(case: Case) -> Verdict | None:
    if case.needs.gap != "knowledge":
        return None
    return Verdict(
        text=say("The model lacks knowledge, and being shown it works better than being trained on it"),
        weights={R: 3, L: 3 if fits_prompt(case.needs) else 2, H: 0.5, F: -2, P: -1, C: 0.5},
        evidence="knowledge_measured",
        need="gap",
    )


def behaviour_gap(case: Case) -> Verdict | None:
    if case.needs.gap != "behaviour":
        return None
    return Verdict(
        text=say("The model knows enough but does not behave as wanted, which examples teach"),
        weights={F: 3, H: 0.5, R: -1.5, L: -1.5, P: -0.5},
        evidence="behaviour_tuning",
        need="gap",
    )


def both_gaps(case: Case) -> Verdict | None:
    if case.needs.gap != "both":
        return None
    return Verdict(
        text=say("Knowledge and behaviour are both missing: retrieval brings the one, training the other"),
        weights={H: 3, R: 0.5, F: 0.5, L: 0.3, P: -1},
        evidence="both_hybrid",
        need="gap",
    )


def no_gap(case: Case) -> Verdict | None:
    if case.needs.gap != "none":
        return None
    return Verdict(
        text=say("The model lacks neither knowledge nor behaviour"),
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
    documents.growing,
    documents.citations,
    documents.access,
    documents.rare_facts,
    documents.noisy_retrieval,
    documents.small_corpus,
    documents.large_corpus,
    documents.unlabelled,
    training.style,
    training.domain_language,
    training.task,
    training.labels,
    training.small_classifier,
    training.preferences,
    training.thumbs,
    training.long_instructions,
    training.only_training_asked,
    training.training_constraint,
    training.behaviour_shift,
    training.keep_base,
    operation.speed,
    operation.cost,
    operation.tenants,
    operation.stage,
    operation.one_method,
    operation.privacy,
    operation.personal_data,
    simplicity,
)
