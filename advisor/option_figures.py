"""What an option takes in hours and dollars: to train, to embed the documents, and for each 1,000 questions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .case import Case, F, H, L, R, figure
from .catalog import find_card, find_model, method_facts, typical_card
from .fitting import Placement
from .phrase import Phrase, say
from .runs import EMBEDDER
from .schema import Card, CostEstimate, TimeEstimate

_TUNED_ROWS = "labels"  # rows from which training pays, where none are known
_CORPUS_TOKENS = 1_000_000  # where the documents are not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    time: TimeEstimate | None = None
    cost: CostEstimate | None = None


def figures_of(case: Case, strategy: str, placed: Placement) -> Figures:
    """Hours to build and dollars to ask, on this machine; on an unknown one, what the prices of an API come to."""
    if placed.fits is False:
        return Figures()
    card = card_of(case) if placed.device != "cpu" else None
    known = card is not None or placed.device == "cpu"
    time = _building(case, strategy, placed, card) if known else None
    if not known and case.prices is None:
        return Figures()
    return Figures(time=time, cost=_asking(case, strategy, placed, card, time))


def card_of(case: Case) -> Card | None:
    """The catalogued card of that name, else the usual one of that size; None without a card."""
    gpus = case.hardware.gpus if case.hardware else ()
    if not gpus:
        return None
    largest = max(gpus, key=lambda gpu: gpu.vram_gib)
    return find_card(largest.name) or typical_card(largest.vram_gib)


def _building(case: Case, strategy: str, placed: Placement, card: Card | None) -> TimeEstimate | None:
    parts = []
    if placed.setup is not None:
        parts.append(_training(case, strategy, placed, card))
    if strategy in (R, H):
        parts.append(_embedding(case, card))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else _added(parts[0], parts[1])


def _training(case: Case, strategy: str, placed: Placement, card: Card | None) -> TimeEstimate:
    from .cost import training_time

    assert placed.setup is not None
    said: list[Phrase] = []
    if strategy in (F, H):
        known = (case.needs.labelled_examples or 0) + (case.needs.preference_pairs or 0)
        rows, epochs = known or int(figure(_TUNED_ROWS, "enough")), _epochs(placed.setup.method)
        if not known:
            said.append(
                say("{rows:,} examples, as many as are known to pay, since none were counted", rows=rows)
            )
        said.append(say("{epochs:g} passes over the examples", epochs=epochs))
    else:
        tokens = case.needs.unlabelled_tokens or int(figure("pretraining"))
        rows, epochs = max(1, tokens // placed.setup.seq_len), 1.0
        said.append(say("one pass over {tokens:,} tokens", tokens=tokens))
    cores = case.hardware.cpu_cores if case.hardware else None
    time = training_time(
        placed.model,
        placed.setup,
        rows=rows,
        epochs=epochs,
        card=card,
        cpu_cores=cores,
        tokens_per_row=_row_tokens(case),
    )
    return replace(time, assumptions=(*time.assumptions, *said))


def _epochs(method: str) -> float:
    """Of facts/methods.toml; preference tuning and others go as LoRA does."""
    return float(method_facts(method).get("epochs") or method_facts("lora")["epochs"])


def _row_tokens(case: Case) -> float | None:
    rows = case.data.examples if case.data else None
    return float(rows.p50_tokens) if rows is not None and rows.p50_tokens > 0 else None


def _embedding(case: Case, card: Card | None) -> TimeEstimate:
    from .cost import embedding_time

    tokens = case.needs.corpus_tokens or _CORPUS_TOKENS
    cores = case.hardware.cpu_cores if case.hardware else None
    time = embedding_time(tokens, find_model(EMBEDDER), card=card, cpu_cores=cores)
    if case.needs.corpus_tokens:
        return time
    guess = say("documents of {tokens:,} tokens, since none were counted", tokens=tokens)
    return replace(time, assumptions=(*time.assumptions, guess))


def _added(one: TimeEstimate, two: TimeEstimate) -> TimeEstimate:
    return TimeEstimate(
        hours=one.hours + two.hours,
        low_hours=one.low_hours + two.low_hours,
        high_hours=one.high_hours + two.high_hours,
        flops=one.flops + two.flops,
        tokens=one.tokens + two.tokens,
        card=one.card,
        assumptions=(*one.assumptions, *two.assumptions),
    )


def _asking(
    case: Case, strategy: str, placed: Placement, card: Card | None, time: TimeEstimate | None
) -> CostEstimate:
    """Dollars at the prices that were given, else on a rented card; building costs what its hours do."""
    from .cost import query_cost, query_tokens

    whole = case.needs.corpus_tokens or 0 if strategy == L else 0
    tokens = query_tokens(strategy, corpus_tokens=whole)
    return query_cost(
        strategy,
        placed.model,
        prices=case.prices,
        card=card,
        retrieved_tokens=tokens.retrieved,
        prompt_tokens=tokens.prompt,
        answer_tokens=tokens.answer,
        queries_per_day=case.needs.queries_per_day,
        build=time,
    )
