"""What the documents say for and against each way to adapt: their size, change, readers and need of citation."""

from __future__ import annotations

from .case import C, Case, F, H, L, P, R, Verdict
from .catalog import threshold


def documents_given(case: Case) -> Verdict | None:
    if case.needs.gap is not None or case.data is None or not case.data.files:
        return None
    return Verdict(
        text=f"You gave {case.data.files:,} documents: what stands only there has to reach the model at answer time",
        weights={R: 1.2, L: 0.8, H: 0.6},
        evidence="knowledge_rag",
    )


def freshness(case: Case) -> Verdict | None:
    days = case.needs.update_days
    if days is None:
        return None
    often = threshold("fresh_rag")
    vetoes: tuple[str, ...] = ()
    behaviour = case.needs.gap == "behaviour"  # then what changes is not what is trained in
    if days <= often:
        weights = {R: 2.5, H: 1.5, L: 1.5, F: -0.5 if behaviour else -3, C: -3}
        vetoes = (C,) if behaviour else (F, C)
    elif days <= 31:
        weights = {R: 1, H: 0.6, L: 0.6, F: -0.3 if behaviour else -1, C: -1}
    elif days < 365:
        weights = {R: 0.3, H: 0.3, L: 0.3}
    else:
        weights = {F: 0.5, C: 0.3}
    said = f"change every {days:g} days" if days < 365 else "hardly ever change"
    follows = (
        "training would be out of date as fast" if days <= 31 else "so an index need not be rebuilt often"
    )
    return Verdict(
        text=f"The documents {said}; {follows}"
        if days < 365
        else f"The documents {said}, so training keeps its worth",
        weights=weights,
        evidence="fresh_rag",
        need="update_days",
        vetoes=vetoes,
    )


def citations(case: Case) -> Verdict | None:
    if not case.needs.needs_citations:
        return None
    return Verdict(
        text="Answers must cite their source, which only a model that is shown the source can do",
        weights={R: 2, H: 1.5, L: 0.5, F: -2, C: -2, P: -1},
        evidence="citations",
        need="needs_citations",
        vetoes=(F, C),
    )


def access(case: Case) -> Verdict | None:
    if not case.needs.per_document_access:
        return None
    return Verdict(
        text="Not every reader may see every document; weights cannot forget a document for one reader",
        weights={R: 2, H: 1, L: -1, F: -2, C: -2},
        evidence="citations",
        need="per_document_access",
        vetoes=(F, C),
    )


def small_corpus(case: Case) -> Verdict | None:
    tokens = case.needs.corpus_tokens
    if not tokens or tokens > threshold("long_context"):
        return None
    return Verdict(
        text=f"All documents together are about {tokens:,} tokens and could stand in the prompt as a whole",
        weights={L: 1},
        evidence="long_context",
        need="corpus_tokens",
    )


def unlabelled(case: Case) -> Verdict | None:
    tokens, wanted = case.needs.unlabelled_tokens, threshold("pretraining")
    if tokens is None:
        return None
    if tokens >= wanted:
        return Verdict(
            text=f"{tokens:,} unlabelled tokens are enough to continue pretraining",
            weights={C: 4},
            evidence="pretraining",
            need="unlabelled_tokens",
        )
    return Verdict(
        text=f"{tokens:,} tokens of text are far below the {wanted:,.0f} from which continued pretraining pays",
        weights={C: -3},
        evidence="pretraining",
        need="unlabelled_tokens",
        vetoes=(C,),
    )
