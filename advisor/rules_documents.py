"""What the documents say for and against each way to adapt: their size, change, readers and need of citation."""

from __future__ import annotations

from .case import C, Case, F, H, L, P, R, Verdict, corpus_fits_prompt, figure
from .phrase import Phrase, say

# Tasks whose answer is made from the text that is put in; what changes in documents is not what they are trained on.
_FROM_THE_INPUT = {
    "classification",
    "code_completion",
    "extraction",
    "structured_output",
    "style",
    "summarization",
    "translation",
}
_MONTH_DAYS, _YEAR_DAYS = 31, 365


def documents_given(case: Case) -> Verdict | None:
    if case.data is None or not case.data.files:
        return None
    files = case.data.files
    return Verdict(
        text=say(
            "You gave {files:,} documents: what stands only there has to reach the model at answer time",
            files=files,
        ),
        weights={R: 1, L: 0.3, H: 0.5},
        evidence="knowledge_rag",
        fact=say("{files:,} documents", files=files),
    )


def freshness(case: Case) -> Verdict | None:
    days = case.needs.update_days
    if days is None:
        return None
    if days <= figure("fresh_rag"):
        return _fresh(case, days)
    if days <= _MONTH_DAYS:
        weights = {R: 1, H: 0.5, L: 0.5, F: -0.3 if _learns_no_content(case) else -1, C: -1}
        return _changing(_becomes_outdated(days), weights)
    if days < _YEAR_DAYS:
        text = say(
            "The documents change every {days:g} days, so an index need not be rebuilt often", days=days
        )
        return _changing(text, {R: 0.3, H: 0.3, L: 0.3})
    return _changing(say("The documents hardly ever change, so training keeps its worth"), {F: 0.5, C: 0.3})


def _fresh(case: Case, days: float) -> Verdict:
    """Weekly or faster; a guess from file dates argues, and only an answer rules out."""
    text = _becomes_outdated(days)
    if _learns_no_content(case):
        return _changing(text, {R: 1, H: 1, L: 0.5, F: -0.5, C: -3}, (C,))
    guessed = "update_days" in case.learned
    weights = {R: 1, H: 0.5, L: 0.5, F: -1, C: -1} if guessed else {R: 2, H: 1.5, L: 1, F: -3, C: -3}
    return _changing(text, weights, () if guessed else (F, C))


def _becomes_outdated(days: float) -> Phrase:
    return say("The documents change every {days:g} days; training would be out of date as fast", days=days)


def _learns_no_content(case: Case) -> bool:
    return case.needs.gap == "behaviour" and case.needs.task in _FROM_THE_INPUT


def _changing(text: Phrase, weights: dict[str, float], vetoes: tuple[str, ...] = ()) -> Verdict:
    return Verdict(text=text, weights=weights, evidence="fresh_rag", need="update_days", vetoes=vetoes)


def growing(case: Case) -> Verdict | None:
    if not case.needs.corpus_growing:
        return None
    return Verdict(
        text=say("The documents keep growing: an index takes more in, a prompt or a trained model does not"),
        weights={R: 0.5, H: 0.3, L: -1, F: -0.5},
        evidence="knowledge_rag",
        need="corpus_growing",
    )


def citations(case: Case) -> Verdict | None:
    if not case.needs.needs_citations:
        return None
    return Verdict(
        text=say("Answers must cite their source, which only a model that is shown the source can do"),
        weights={R: 2, H: 1.5, L: 0.5, F: -2, C: -2, P: -1},
        evidence="citations",
        need="needs_citations",
        vetoes=(F, C),
    )


def access(case: Case) -> Verdict | None:
    if not case.needs.per_document_access:
        return None
    return Verdict(
        text=say("Not every reader may see every document; weights cannot forget a document for one reader"),
        weights={R: 2, H: 1, L: -1, F: -2, C: -2},
        evidence="citations",
        need="per_document_access",
        vetoes=(F, C),
    )


def rare_facts(case: Case) -> Verdict | None:
    if not case.needs.long_tail_knowledge:
        return None
    return Verdict(
        text=say("Rare facts are asked for, which models seldom keep from training; retrieval looks them up"),
        weights={R: 2, H: 0.5, L: 0.5, F: -1, C: -0.5, P: -0.5},
        evidence="long_tail",
        need="long_tail_knowledge",
    )


def noisy_retrieval(case: Case) -> Verdict | None:
    if not case.needs.retrieval_noisy:
        return None
    return Verdict(
        text=say(
            "What is found is often beside the point; training with found passages teaches to pass over them"
        ),
        weights={H: 2, R: -1.5},
        evidence="raft",
        need="retrieval_noisy",
    )


def small_corpus(case: Case) -> Verdict | None:
    if not corpus_fits_prompt(case.needs):
        return None
    return Verdict(
        text=say(
            "All documents together are about {tokens:,} tokens and could stand in the prompt as a whole",
            tokens=case.needs.corpus_tokens,
        ),
        weights={L: 1},
        evidence="long_context",
        need="corpus_tokens",
    )


def large_corpus(case: Case) -> Verdict | None:
    """Only where the documents are not at hand: documents_given speaks for those that are."""
    tokens = case.needs.corpus_tokens
    if tokens is None or tokens <= figure("long_context") or "corpus_tokens" in case.learned:
        return None
    return Verdict(
        text=say(
            "The documents hold about {tokens:,} tokens, of which a question needs a few", tokens=tokens
        ),
        weights={R: 1, H: 0.5},
        evidence="knowledge_rag",
        need="corpus_tokens",
    )


def unlabelled(case: Case) -> Verdict | None:
    tokens, wanted = case.needs.unlabelled_tokens, figure("pretraining")
    if tokens is None:
        return None
    if tokens >= wanted:
        return Verdict(
            text=say("{tokens:,} unlabelled tokens are enough to continue pretraining", tokens=tokens),
            weights={C: 4},
            evidence="pretraining",
            need="unlabelled_tokens",
        )
    return Verdict(
        text=say(
            "{tokens:,} tokens of text are far below the {wanted:,.0f} from which continued pretraining pays",
            tokens=tokens,
            wanted=wanted,
        ),
        weights={C: -3},
        evidence="pretraining",
        need="unlabelled_tokens",
        vetoes=(C,),
    )
